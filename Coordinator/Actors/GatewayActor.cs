using System.Collections.Concurrent;
using Akka;
using Akka.Actor;
using Akka.Remote;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>The coordinator's address among actors: workers of other processes join here.</summary>
/// <remarks>
/// Runs of an experiment follow each other in one cluster. Who asks to join between them waits here; who was in when
/// one ended is cut off, and joins the next. After the last one, whoever was ever welcomed is told.
/// </remarks>
/// <param name="sessions">Shared with the listener, which brings channels.</param>
/// <param name="coordinators">The addresses of all coordinators.</param>
internal sealed class GatewayActor(JoinedWorkers sessions, Func<IReadOnlyList<HostPort>> coordinators) : UntypedActor
{
    private readonly Dictionary<IActorRef, RemoteWorker> _workers = [];

    /// <summary>Who asks to join while there is no run.</summary>
    private readonly Dictionary<IActorRef, WorkerMessage.Join> _waiting = [];

    /// <summary>Processes that were welcomed, went, and do not know that all is finished.</summary>
    private readonly HashSet<long> _untold = [];
    private RunPort? _run;
    private CoordinatorMessage.Finish? _finish;
    private IActorRef? _dismisser;

    /// <inheritdoc/>
    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WorkerMessage.Join join: OnJoin(Sender, join); break;
            case WorkerMessage said when _workers.TryGetValue(Sender, out RemoteWorker? worker):
                _run?.Coordinator.Tell(said, worker);
                break;
            case StatusRequest or StopRequest: _run?.Coordinator.Forward(message); break;
            case DisassociatedEvent gone: OnDisassociated(gone.RemoteAddress); break;
            case Closed closed: OnClosed(closed.Worker); break;
            case Begin begin: OnBegin(begin.Run); break;
            case End end: OnEnd(end.Why); break;
            case Dismiss dismiss: OnDismiss(dismiss.Why); break;
            case CoordinatorsChanged: TellCoordinators(); break;
        }
    }

    private void OnJoin(IActorRef session, WorkerMessage.Join join)
    {
        if (_finish is not null)
        {
            session.Tell(_finish);
            _untold.Remove(join.Incarnation);
            AnswerIfDone();
        }
        else if (_run is null)
        {
            _waiting[session] = join;
        }
        else if (!_workers.ContainsKey(session))
        {
            RemoteWorker worker = new(session, join, _run, Self, coordinators);
            _workers.Add(session, worker);
            sessions.Add(worker);
            _run.Coordinator.Tell(join, worker);
        }
    }

    private void OnBegin(RunPort run)
    {
        _run = run;
        JoinWaiting();
    }

    /// <summary>Lets those in, or go, who asked while there was no run.</summary>
    private void JoinWaiting()
    {
        foreach ((IActorRef session, WorkerMessage.Join join) in _waiting)
        {
            OnJoin(session, join);
        }

        _waiting.Clear();
    }

    private void OnEnd(string why)
    {
        _run = null;
        foreach (RemoteWorker worker in _workers.Values.ToArray())
        {
            worker.Close(why);
        }

        Sender.Tell(Done.Instance);
    }

    private void OnDismiss(string why)
    {
        _finish = new CoordinatorMessage.Finish(why);
        _dismisser = Sender;
        foreach (RemoteWorker worker in _workers.Values.ToArray())
        {
            worker.Tell(_finish);
            worker.Close(why);
        }

        JoinWaiting();
        AnswerIfDone();
    }

    /// <summary>A connection of Akka's ended. Whose channel stands is judged by that.</summary>
    private void OnDisassociated(Address address)
    {
        foreach (RemoteWorker worker in _workers.Values.Where(worker => worker.Address == address).ToArray())
        {
            if (!worker.IsHeard)
            {
                worker.OnClosed("the connection ended");
            }
        }

        foreach (IActorRef session in _waiting.Keys.Where(session => session.Path.Address == address).ToArray())
        {
            _waiting.Remove(session);
        }
    }

    private void OnClosed(RemoteWorker worker)
    {
        if (!_workers.Remove(worker.Session))
        {
            return;
        }

        sessions.Remove(worker);
        if (worker.IsDismissed && worker.Channel is null or { HasPeerEnded: true })
        {
            _untold.Remove(worker.Join.Incarnation);
            Akka.Cluster.Cluster.Get(Context.System).Down(worker.Address);
        }
        else if (worker.IsWelcomed && !worker.IsRefused)
        {
            _untold.Add(worker.Join.Incarnation);
        }

        AnswerIfDone();
    }

    private void AnswerIfDone()
    {
        if (_workers.Count == 0 && _untold.Count == 0)
        {
            _dismisser?.Tell(Done.Instance);
        }
    }

    private void TellCoordinators()
    {
        string[] addresses = [.. coordinators().Select(coordinator => coordinator.ToString())];
        foreach (RemoteWorker worker in _workers.Values)
        {
            worker.Tell(new CoordinatorMessage.Coordinators(addresses));
        }
    }

    /// <summary>A run begins: workers may join it.</summary>
    public sealed record Begin(RunPort Run);

    /// <summary>The run is over; its workers may join the next. Answered by Done.</summary>
    public sealed record End(string Why);

    /// <summary>Nothing follows. Answered by Done when everybody who was ever welcomed has been told.</summary>
    public sealed record Dismiss(string Why);

    /// <summary>A worker's channel has closed.</summary>
    public sealed record Closed(RemoteWorker Worker);

    /// <summary>Another coordinator came or went.</summary>
    public sealed record CoordinatorsChanged;
}

/// <summary>The workers that have joined, by the passes of their channels and by their addresses. Any thread.</summary>
internal sealed class JoinedWorkers
{
    private readonly ConcurrentDictionary<string, RemoteWorker> _byPass = [];

    public void Add(RemoteWorker worker) => _byPass[Convert.ToHexString(worker.Pass)] = worker;

    public void Remove(RemoteWorker worker) => _byPass.TryRemove(Convert.ToHexString(worker.Pass), out _);

    /// <summary>Gives a connection to the worker whose pass it brings; false if there is none, or it has one.</summary>
    public bool TryOpen(ReadOnlyMemory<byte> pass, Connection connection) =>
        _byPass.TryGetValue(Convert.ToHexString(pass.Span), out RemoteWorker? worker) && worker.TryOpen(connection);

    /// <summary>Whether a worker at an address has a channel that stands.</summary>
    public bool IsHeard(Address address) =>
        _byPass.Values.Any(worker => worker.Address == address && worker.IsHeard);
}
