using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Simulation;

/// <summary>
/// One connection between a worker's process and a coordinator's, with a lane for messages and one for payloads.
/// </summary>
internal sealed class SimLink(World world, Faults faults, SessionId id, SimCoordinator coordinator, SimWorker worker)
{
    private readonly Timestamp[] _last = new Timestamp[4];
    private readonly int _coordinatorLife = coordinator.Life;
    private readonly int _workerLife = worker.Life;

    /// <summary>Nothing arrives any more, and nobody is told.</summary>
    private bool _isDead;
    private bool _isCoordinatorOpen = true;
    private bool _isWorkerOpen = true;

    public SessionId Id => id;

    public SimWorker Worker => worker;

    /// <summary>Of the worker's process when it connected.</summary>
    public long Incarnation { get; } = worker.Incarnation;

    public bool IsCoordinatorOpen => _isCoordinatorOpen && _coordinatorLife == coordinator.Life;

    public bool IsWorkerOpen => _isWorkerOpen && _workerLife == worker.Life && ReferenceEquals(worker.Link, this);

    public void ToWorker(bool isPayload, Action deliver) => Send(isPayload ? 1 : 0, () =>
    {
        if (IsWorkerOpen)
        {
            deliver();
        }
    });

    /// <summary>To the coordinator's end.</summary>
    /// <param name="isPayload">On which lane.</param>
    /// <param name="deliver">Called on arrival.</param>
    /// <param name="isOnce">Never repeated.</param>
    public void ToCoordinator(bool isPayload, Action deliver, bool isOnce = false) => Send(
        isPayload ? 3 : 2,
        () =>
        {
            if (IsCoordinatorOpen)
            {
                deliver();
            }
        },
        isOnce);

    /// <summary>The coordinator's end closes; the other end hears of it if it can.</summary>
    public void CloseByCoordinator()
    {
        _isCoordinatorOpen = false;
        Send(0, () => CloseWorkerEnd());
    }

    /// <summary>The worker's end closes; the other end hears of it if it can.</summary>
    public void CloseByWorker()
    {
        _isWorkerOpen = false;
        Send(2, () => CloseCoordinatorEnd());
    }

    /// <summary>Something between the two resets the connection.</summary>
    public void Cut()
    {
        CloseWorkerEnd();
        CloseCoordinatorEnd();
    }

    private void CloseWorkerEnd()
    {
        if (IsWorkerOpen)
        {
            _isWorkerOpen = false;
            worker.OnLinkLost();
        }
    }

    private void CloseCoordinatorEnd()
    {
        if (IsCoordinatorOpen)
        {
            _isCoordinatorOpen = false;
            coordinator.OnLinkLost(this);
        }
    }

    private void Send(int lane, Action deliver, bool isOnce = false)
    {
        _isDead |= worker.IsPartitioned || world.Chance(faults.LossPercent);
        if (_isDead)
        {
            return;
        }

        int copies = !isOnce && world.Chance(faults.DuplicatePercent) ? 2 : 1;
        for (int i = 0; i < copies; i++)
        {
            Timestamp at = world.Now + world.Time(0.0001, faults.DelayMax);
            at = faults.IsReordering || at > _last[lane] ? at : _last[lane];
            _last[lane] = at > _last[lane] ? at : _last[lane];
            world.After(at - world.Now, () =>
            {
                if (!worker.IsPartitioned)
                {
                    deliver();
                }
                else
                {
                    _isDead = true;
                }
            });
        }
    }
}
