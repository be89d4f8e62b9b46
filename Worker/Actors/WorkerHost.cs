using System.Buffers;
using System.Collections.Concurrent;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Engines;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Compute;
using Distributed.Worker.Core;

namespace Distributed.Worker.Actors;

/// <summary>A worker's shell: one machine, one mailbox, compute threads and a link. It holds no rule.</summary>
public sealed partial class WorkerHost : IAsyncDisposable
{
    private const int MailboxMax = 4096;
    private static readonly WorkerEvent.CoordinatorHeard s_heard = new();

    private readonly WorkerIdentity _identity;
    private readonly ICoordinatorConnector _connector;
    private readonly Func<string, DataFetcher, TrainingJob> _prepare;
    private readonly MachineHost<WorkerEvent, WorkerEffect> _host;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<WorkerEffect.Exit> _exit =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly ConcurrentDictionary<GradientTicket, PooledBuffer> _gradients = [];
    private readonly ConcurrentDictionary<ParametersTicket, PooledBuffer> _parameters = [];
    private readonly DataFetcher _data;
    private long _tickets;
    private readonly Lock _linkLock = new();
    private volatile ICoordinatorLink? _link;

    /// <summary>The attempt to connect that counts; one that was given up counts no more.</summary>
    private volatile Attempt? _attempt;
    private volatile TrainingJob? _job;
    private ComputePool? _pool;
    private string? _plan;

    /// <summary>What was begun beside the mailbox's loop: it has to end before the worker does.</summary>
    private Task _connecting = Task.CompletedTask;
    private Task _preparing = Task.CompletedTask;
    private Task _pumping = Task.CompletedTask;
    private Task? _running;

    /// <summary>Makes a worker; <see cref="RunAsync"/> starts it.</summary>
    /// <param name="identity">What it says about itself.</param>
    /// <param name="connector">How it reaches the coordinator.</param>
    /// <param name="prepare">Makes a plan's model and data real; may fetch data over the link.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    public WorkerHost(
        WorkerIdentity identity,
        ICoordinatorConnector connector,
        Func<string, DataFetcher, TrainingJob> prepare,
        WorkerOptions options,
        TimeProvider clock)
    {
        _identity = identity;
        _connector = connector;
        _prepare = prepare;
        _data = new DataFetcher(message => Send(message));
        _host = new MachineHost<WorkerEvent, WorkerEffect>(
            new WorkerMachine(options), new WorkerEvent.Tick(), Perform, clock, MailboxMax)
        {
            OnError = exception => _exit.TrySetException(exception),
        };

        // First in the mailbox, before links or users can say anything.
        _host.TryPost(new WorkerEvent.Started());
    }

    /// <summary>Bytes that compute threads have allocated since they began to compute.</summary>
    public long AllocatedBytes => _pool?.AllocatedBytes ?? 0;

    /// <summary>Why the last link was lost, or could not be made; null if none was.</summary>
    public string? LastFault { get; private set; }

    /// <summary>Told what happens, a line each; any thread.</summary>
    public Action<string>? OnNote { get; init; }

    /// <summary>Works until the run is finished, the worker drained, or it cannot go on.</summary>
    public Task<WorkerEffect.Exit> RunAsync()
    {
        Task<WorkerEffect.Exit> run = RunToEndAsync();
        _running = run;
        return run;
    }

    private async Task<WorkerEffect.Exit> RunToEndAsync()
    {
        Task loop = _host.RunAsync(_stopping.Token);
        try
        {
            return await _exit.Task;
        }
        finally
        {
            await _stopping.CancelAsync();
            await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _connecting;
            _data.OnLinkLost();
            await _preparing;
            _link?.Close("the worker has ended");
            _pool?.Dispose();
            await _pumping;
            ReleaseAll();
        }
    }

    /// <summary>Ends in good order: what it owes goes to others.</summary>
    public void Drain() => _host.TryPost(new WorkerEvent.DrainRequested());

    /// <summary>Ends at once, as if the process had been killed: the coordinator sees the link close.</summary>
    public void Kill() => _exit.TrySetResult(new WorkerEffect.Exit(WorkerOutcome.Done, "killed"));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Kill();
        if (_running is { } running)
        {
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _host.DisposeAsync();
        _stopping.Dispose();
    }

    private void Perform(WorkerEffect effect)
    {
        switch (effect)
        {
            case WorkerEffect.Connect:
                _connecting = Task.WhenAll(_connecting, ConnectAsync(BeginAttempt()));
                break;
            case WorkerEffect.Disconnect disconnect:
                _data.OnLinkLost();
                Note($"The link to the coordinator is given up: {disconnect.Why}");
                GiveUpAttempt();
                _link?.Close(disconnect.Why);
                _link = null;
                break;
            case WorkerEffect.SendJoin:
                Send(new WorkerMessage.Join(_identity.Name, _identity.Version, _identity.Numerics, _identity.Threads));
                break;
            case WorkerEffect.Prepare prepare:
                _preparing = PrepareAsync(_preparing, prepare);
                break;
            case WorkerEffect.SendReady ready:
                Send(new WorkerMessage.Ready(ready.Term));
                break;
            case WorkerEffect.SendHeartbeat heartbeat:
                Send(new WorkerMessage.Heartbeat(heartbeat.Term, heartbeat.IsReady));
                break;
            case WorkerEffect.BeginStep begin:
                _parameters.TryRemove(begin.Parameters, out PooledBuffer? parameters);
                _pool!.BeginStep(begin.Term, begin.Step, parameters!);
                break;
            case WorkerEffect.ComputeShards compute:
                _pool!.Compute(compute.Shards);
                break;
            case WorkerEffect.CancelStep:
                _pool!.CancelStep();
                break;
            case WorkerEffect.SendSum sum:
                _gradients.TryRemove(sum.Gradient, out PooledBuffer? gradient);
                Send(
                    new WorkerMessage.PartialSum(
                        sum.Term,
                        sum.Step,
                        sum.Node,
                        sum.ShardCount,
                        sum.Loss,
                        _pool!.TakeComputeTime(),
                        sum.Gradient),
                    gradient);
                break;
            case WorkerEffect.SendLeave leave:
                Send(new WorkerMessage.Leave(leave.Term));
                break;
            case WorkerEffect.Release release:
                Let(release.Gradient);
                break;
            case WorkerEffect.ReleaseParameters release:
                Let(release.Parameters);
                break;
            case WorkerEffect.Exit exit:
                _exit.TrySetResult(exit);
                break;
            default:
                throw new InvalidOperationException($"No such effect: {effect.GetType().Name}.");
        }
    }

    private void Send(WorkerMessage message, PooledBuffer? bulk = null)
    {
        if (_link is { } link)
        {
            link.Send(message, bulk);
        }
        else
        {
            bulk?.Dispose();
        }
    }

    /// <summary>One at a time: a worker that lost its link in the middle of it may be asked again.</summary>
    private async Task PrepareAsync(Task before, WorkerEffect.Prepare prepare)
    {
        await before;
        await Task.Run(() => Prepare(prepare));
    }

    private void Prepare(WorkerEffect.Prepare prepare)
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        try
        {
            MakePool(prepare.Plan);
            _host.TryPost(new WorkerEvent.Prepared(prepare.Term));
        }
        catch (LinkLostException)
        {
            // The machine knows; it prepares again when it is taken in again.
        }
        catch (Exception exception)
        {
            _host.TryPost(new WorkerEvent.PrepareFailed(prepare.Term, exception.Message));
        }
    }

    private void MakePool(string plan)
    {
        if (_pool is not null && _plan == plan)
        {
            return;
        }

        TrainingJob job = _prepare(plan, _data);
        _pool?.Dispose();
        _pool = new ComputePool(job, _identity.Threads, _identity.Name, OnComputeError);
        _plan = plan;
        _job = job;
        _pumping = Task.WhenAll(_pumping, PumpAsync(_pool));
    }

    private WorkerEvent.Welcomed OnWelcome(CoordinatorMessage.Welcome welcome)
    {
        LastFault = null;
        Note($"Joined as {welcome.Worker} of term {welcome.Term.Value}");
        return new WorkerEvent.Welcomed(welcome.Term, welcome.Worker, welcome.Plan, welcome.HeartbeatInterval);
    }

    private void Note(string line) => OnNote?.Invoke(line);

    /// <summary>A compute thread that fails takes the worker with it; the others go on without.</summary>
    private void OnComputeError(Exception exception) => _exit.TrySetException(exception);

    /// <summary>Brings what compute threads complete into the mailbox.</summary>
    private async Task PumpAsync(ComputePool pool)
    {
        while (await pool.Completed.WaitToReadAsync())
        {
            while (pool.Completed.TryRead(out CompletedSum sum))
            {
                GradientTicket ticket = new(Interlocked.Increment(ref _tickets));
                _gradients[ticket] = sum.Gradient;
                await _host.PostAsync(new WorkerEvent.SumReady(
                    sum.Term, sum.Step, sum.Node, sum.ShardCount, sum.Gradient.Loss, ticket));
            }
        }
    }

    private ParametersTicket Keep(PooledBuffer parameters)
    {
        ParametersTicket ticket = new(Interlocked.Increment(ref _tickets));
        _parameters[ticket] = parameters;
        return ticket;
    }

    private void Let(ParametersTicket ticket)
    {
        _parameters.TryRemove(ticket, out PooledBuffer? parameters);
        parameters?.Dispose();
    }

    private void Let(GradientTicket ticket)
    {
        _gradients.TryRemove(ticket, out PooledBuffer? gradient);
        gradient?.Dispose();
    }

    /// <summary>Gives back what nobody asked for before the end: events that were never handled had it.</summary>
    private void ReleaseAll()
    {
        foreach (ParametersTicket ticket in _parameters.Keys)
        {
            Let(ticket);
        }

        foreach (GradientTicket ticket in _gradients.Keys)
        {
            Let(ticket);
        }
    }
}
