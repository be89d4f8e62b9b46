using Distributed.Framework.Training;
using Distributed.Protocol.Engines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Core;

namespace Distributed.Coordinator.Actors;

/// <summary>
/// Workers in this process: actors like the others, whose link passes messages and floats by reference.
/// </summary>
/// <param name="coordinator">Whom they work for.</param>
/// <param name="job">Model and data, shared with the coordinator.</param>
/// <param name="version">Version of the program.</param>
/// <param name="numerics">Fingerprint of the arithmetic.</param>
/// <param name="clock">The system clock, or a fake one.</param>
public sealed class LocalWorkers(
    CoordinatorHost coordinator, TrainingJob job, string version, string numerics, TimeProvider clock)
    : ICoordinatorConnector, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, (WorkerHost Host, Task Run)> _workers = [];
    private int _started;

    /// <summary>Bytes that all compute threads have allocated since they began to compute.</summary>
    public long AllocatedBytes
    {
        get
        {
            lock (_lock)
            {
                return _workers.Values.Sum(worker => worker.Host.AllocatedBytes);
            }
        }
    }

    /// <summary>Starts a worker, before or while training runs.</summary>
    /// <returns>Its number, for <see cref="StopAsync"/>.</returns>
    public int Start(int threads)
    {
        lock (_lock)
        {
            int number = _started++;
            WorkerIdentity identity = new($"local-{number}", version, numerics, threads);
            WorkerHost host = new(identity, this, (_, _) => job, new WorkerOptions(), clock);
            _workers.Add(number, (host, RunAsync(host)));
            return number;
        }
    }

    /// <summary>Lets a worker go in good order, or kills it as a crash would.</summary>
    public async Task StopAsync(int number, bool kill = false)
    {
        (WorkerHost Host, Task Run) worker;
        lock (_lock)
        {
            worker = _workers[number];
        }

        if (kill)
        {
            worker.Host.Kill();
        }
        else
        {
            worker.Host.Drain();
        }

        await worker.Run;
    }

    /// <inheritdoc/>
    public Task<ICoordinatorLink> ConnectAsync(IWorkerEndpoint endpoint, CancellationToken stopping)
    {
        WorkerId id = coordinator.NextWorkerId();
        LocalLink link = new(coordinator, endpoint, id);
        coordinator.Attach(id, link);
        return Task.FromResult<ICoordinatorLink>(link);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        List<(WorkerHost Host, Task Run)> workers;
        lock (_lock)
        {
            workers = [.. _workers.Values];
        }

        foreach ((WorkerHost host, Task run) in workers)
        {
            await host.DisposeAsync();
            await run;
        }
    }

    /// <summary>
    /// A local worker that fails has met a fault of the program or of the data: the run cannot go on.
    /// </summary>
    private async Task RunAsync(WorkerHost host)
    {
        try
        {
            WorkerEffect.Exit exit = await host.RunAsync();
            if (exit.Outcome != WorkerOutcome.Done)
            {
                throw new InvalidOperationException($"A local worker cannot take part: {exit.Why}");
            }
        }
        catch (Exception exception)
        {
            coordinator.Fail(exception);
        }
    }
}
