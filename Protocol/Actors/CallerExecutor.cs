using System.Collections.Concurrent;
using Akka.Configuration;
using Akka.Dispatch;

namespace Distributed.Protocol.Actors;

/// <summary>Runs actors on the thread that tells them something, if it lends itself; else on one for all.</summary>
/// <remarks>
/// On cores that all compute, to wake another thread takes longer than what an actor does in a step. An actor runs on
/// one thread at a time all the same: what comes meanwhile waits in its mailbox. Actors never run within each other:
/// what an actor tells another from a lent thread is taken there once it has returned.
/// </remarks>
public sealed class CallerExecutor : ExecutorService
{
    [ThreadStatic]
    private static Queue<IRunnable>? t_waiting;

    [ThreadStatic]
    private static bool t_isRunning;

    private readonly BlockingCollection<IRunnable> _queue = [];

    /// <summary>Starts the thread.</summary>
    public CallerExecutor(string id)
        : base(id)
    {
        new Thread(Run) { IsBackground = true, Name = id }.Start();
    }

    /// <summary>
    /// From now on, actors may run on the calling thread, whenever it tells one something. It must hold no lock then,
    /// and nobody may wait for it to end.
    /// </summary>
    public static void LendThread() => t_waiting ??= new Queue<IRunnable>();

    /// <inheritdoc/>
    public override void Execute(IRunnable run)
    {
        if (t_waiting is not { } waiting)
        {
            _queue.Add(run);
            return;
        }

        waiting.Enqueue(run);
        if (t_isRunning)
        {
            return;
        }

        t_isRunning = true;
        try
        {
            while (waiting.TryDequeue(out IRunnable? next))
            {
                next.Run();
            }
        }
        finally
        {
            t_isRunning = false;
        }
    }

    /// <inheritdoc/>
    public override void Shutdown() => _queue.CompleteAdding();

    private void Run()
    {
        foreach (IRunnable run in _queue.GetConsumingEnumerable())
        {
            run.Run();
        }

        _queue.Dispose();
    }
}

/// <summary>Makes <see cref="CallerExecutor"/>s; the settings name it.</summary>
public sealed class CallerExecutorConfigurator(Config config, IDispatcherPrerequisites prerequisites)
    : ExecutorServiceConfigurator(config, prerequisites)
{
    /// <inheritdoc/>
    public override ExecutorService Produce(string id) => new CallerExecutor(id);
}
