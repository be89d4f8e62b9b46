using System.Buffers;
using System.Collections.Concurrent;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Http;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Engines;
using Distributed.Protocol.Link;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>The coordinator's shell: one machine, one mailbox, links to workers. It holds no rule.</summary>
/// <remarks>
/// Updates and validations run on a thread of their own and report back; the mailbox's loop never waits for them.
/// </remarks>
public sealed class CoordinatorHost : ILinkHost, IAsyncDisposable
{
    private const int MailboxMax = 1 << 14;

    private readonly TrainingJob _job;
    private readonly TrainingState _state;
    private readonly CoordinatorMachine _machine;
    private readonly ITrainingObserver _observer;
    private readonly string _plan;
    private readonly TimeSpan _heartbeatInterval;
    private readonly MachineHost<CoordinatorEvent, CoordinatorEffect> _host;
    private readonly ConcurrentDictionary<WorkerId, IWorkerLink> _links = [];
    private readonly ConcurrentDictionary<GradientTicket, PooledBuffer> _gradients = [];
    private readonly BlockingCollection<CoordinatorEffect> _work = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<CoordinatorEffect.Finish> _finish =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly RunMetrics _metrics;
    private readonly StepClock _stepClock;
    private long _tickets;
    private int _workers;

    /// <summary>Makes a coordinator; <see cref="RunAsync"/> starts it.</summary>
    /// <param name="job">What to train.</param>
    /// <param name="state">Parameters and optimizer, owned by this object while it runs.</param>
    /// <param name="machine">Decides everything.</param>
    /// <param name="options">The machine's options.</param>
    /// <param name="observer">Sees what happens, and saves and validates.</param>
    /// <param name="clock">The system clock, or a fake one.</param>
    public CoordinatorHost(
        TrainingJob job,
        TrainingState state,
        CoordinatorMachine machine,
        CoordinatorOptions options,
        ITrainingObserver observer,
        TimeProvider clock)
    {
        _job = job;
        _state = state;
        _machine = machine;
        _observer = observer;
        _metrics = new RunMetrics(machine);
        _stepClock = new StepClock(Traffic);
        _plan = job.Configuration.ToJson();
        _heartbeatInterval = options.HeartbeatInterval;
        _host = new MachineHost<CoordinatorEvent, CoordinatorEffect>(
            machine, new CoordinatorEvent.Tick(), Perform, clock, MailboxMax)
        {
            OnError = exception => _finish.TrySetException(exception),
        };

        // First in the mailbox, before links or users can say anything.
        _host.TryPost(new CoordinatorEvent.Started());
    }

    /// <summary>The data set for workers that do not have it; null if they need none.</summary>
    public DataBlocks? Data { get; init; }

    /// <summary>What the links of remote workers have moved; they count.</summary>
    public LinkTraffic Traffic { get; } = new();

    /// <summary>Workers that take part now.</summary>
    public int WorkersReady => _machine.WorkersReady;

    /// <summary>Trains until all steps are done, the run is stopped, or it cannot go on.</summary>
    public async Task<CoordinatorEffect.Finish> RunAsync()
    {
        Thread worker = new(DoWork) { IsBackground = true, Name = "coordinator update" };
        worker.Start();
        Task loop = _host.RunAsync(_stopping.Token);
        try
        {
            return await _finish.Task;
        }
        finally
        {
            await _stopping.CancelAsync();
            await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _work.CompleteAdding();
            worker.Join();
            foreach (IWorkerLink link in _links.Values)
            {
                link.Close("the coordinator has ended");
            }

            // Events that were never handled had them.
            foreach (GradientTicket ticket in _gradients.Keys)
            {
                Let(ticket);
            }
        }
    }

    /// <summary>Ends after the current step, with a checkpoint.</summary>
    public void Stop() => _host.TryPost(new CoordinatorEvent.StopRequested());

    /// <summary>Ends at once with an error.</summary>
    public void Fail(Exception exception) => _finish.TrySetException(exception);

    /// <summary>A number for a new link.</summary>
    public WorkerId NextWorkerId() => new(Interlocked.Increment(ref _workers));

    /// <summary>Takes a link in; its messages may come from now on.</summary>
    public void Attach(WorkerId worker, IWorkerLink link) => _links[worker] = link;

    /// <inheritdoc/>
    public void OnMessage(WorkerId worker, WorkerMessage message, IMemoryOwner<float>? bulk)
    {
        if (message is WorkerMessage.WantData want)
        {
            OnHeard(worker);
            _ = Task.Run(() => SendData(worker, want));
            return;
        }

        if (message is WorkerMessage.PartialSum { Compute: var compute })
        {
            _stepClock.OnComputed(compute);
        }

        CoordinatorEvent @event = message switch
        {
            WorkerMessage.Join join => new CoordinatorEvent.WorkerJoined(
                worker, join.Name, join.Version, join.Numerics, join.Threads),
            WorkerMessage.Ready => new CoordinatorEvent.WorkerReady(worker),
            WorkerMessage.Heartbeat heartbeat => new CoordinatorEvent.HeartbeatArrived(worker, heartbeat.IsReady),
            WorkerMessage.PartialSum sum => new CoordinatorEvent.PartialSumArrived(
                worker, sum.Term, sum.Step, sum.Node, sum.ShardCount, sum.Loss, Keep((PooledBuffer)bulk!, sum.Loss)),
            WorkerMessage.Leave => new CoordinatorEvent.WorkerLeft(worker),
            _ => throw new InvalidOperationException($"No such message: {message.GetType().Name}."),
        };
        if (!_host.TryPost(@event) && @event is CoordinatorEvent.PartialSumArrived { Gradient: var ticket })
        {
            Let(ticket);
        }
    }

    /// <inheritdoc/>
    public void OnHeard(WorkerId worker) => _host.TryPost(new CoordinatorEvent.WorkerHeard(worker));

    /// <inheritdoc/>
    public IMemoryOwner<float> Rent(WorkerMessage message, int floatCount) =>
        message is WorkerMessage.PartialSum && floatCount == _job.Gradients.Length
            ? _job.Gradients.Rent()
            : throw new ProtocolException(
                $"{message.GetType().Name} with {floatCount} floats; the model has {_job.Gradients.Length}.");

    /// <inheritdoc/>
    public void OnClosed(WorkerId worker, string why)
    {
        if (_links.TryRemove(worker, out _))
        {
            _observer.Note($"{worker} is gone: {why}");
            _host.TryPost(new CoordinatorEvent.WorkerLost(worker, why));
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _metrics.Dispose();
        _work.Dispose();
        _stopping.Dispose();
    }

    private void Perform(CoordinatorEffect effect)
    {
        switch (effect)
        {
            case CoordinatorEffect.Welcome welcome:
                Send(welcome.Worker, new CoordinatorMessage.Welcome(
                    welcome.Term, welcome.Worker, _plan, _heartbeatInterval));
                break;
            case CoordinatorEffect.Refuse refuse:
                _observer.Note($"{refuse.Worker} is refused: {refuse.Why}");
                Send(refuse.Worker, new CoordinatorMessage.Refuse(refuse.Refusal, refuse.Why));
                Close(refuse.Worker, refuse.Why);
                break;
            case CoordinatorEffect.SendHeartbeat heartbeat:
                Send(heartbeat.Worker, new CoordinatorMessage.Heartbeat(heartbeat.Term));
                break;
            case CoordinatorEffect.SendParameters send:
                Send(
                    send.Worker,
                    new CoordinatorMessage.Parameters(send.Term, send.Step, new ParametersTicket(send.Step.Value)),
                    _state.Parameters.AddReference());
                break;
            case CoordinatorEffect.Assign assign:
                _stepClock.OnAssigned(assign.Step);
                Send(assign.Worker, new CoordinatorMessage.Assign(assign.Term, assign.Step, assign.Shards));
                break;
            case CoordinatorEffect.ApplyUpdate:
                _stepClock.OnComplete();
                _work.Add(effect);
                break;
            case CoordinatorEffect.Validate:
                _work.Add(effect);
                break;
            case CoordinatorEffect.SaveCheckpoint save:
                Save(save);
                break;
            case CoordinatorEffect.Release release:
                Let(release.Gradient);
                break;
            case CoordinatorEffect.Discard discard:
                Let(discard.Gradient);
                break;
            case CoordinatorEffect.DropWorker drop:
                _observer.Note($"{drop.Worker} is dropped: {drop.Why}");
                Close(drop.Worker, drop.Why);
                break;
            case CoordinatorEffect.Dismiss dismiss:
                Send(dismiss.Worker, new CoordinatorMessage.Finish(dismiss.Why));
                Close(dismiss.Worker, dismiss.Why);
                break;
            case CoordinatorEffect.Finish finish:
                _finish.TrySetResult(finish);
                break;
            default:
                throw new InvariantException($"Every effect has its line; {effect.GetType().Name} has none.");
        }
    }

    private void DoWork()
    {
        try
        {
            foreach (CoordinatorEffect effect in _work.GetConsumingEnumerable())
            {
                switch (effect)
                {
                    case CoordinatorEffect.ApplyUpdate update:
                        Apply(update);
                        break;
                    case CoordinatorEffect.Validate validate:
                        _observer.Validate(_state, validate.Step.Value);
                        Post(new CoordinatorEvent.ValidationDone(validate.Step));
                        break;
                }
            }
        }
        catch (Exception exception)
        {
            _finish.TrySetException(exception);
        }
    }

    private void Apply(CoordinatorEffect.ApplyUpdate update)
    {
        BatchSlice slice = _job.Schedule.At(update.Step.Value);
        PooledBuffer? total = null;
        _state.Begin(slice.ShardCount);
        foreach (AcceptedSum sum in update.Sums)
        {
            _gradients.TryRemove(sum.Gradient, out PooledBuffer? gradient);
            total = _state.Add(sum.Node, gradient!);
        }

        Invariant.Assert(total is not null, "The sums of an update cover every shard.");
        _stepClock.OnAdded();
        if (!GradientSum.IsFinite(total!))
        {
            string why = $"the loss is {total!.Loss:G4} or its gradient is not finite.";
            total.Dispose();
            Post(new CoordinatorEvent.UpdateFailed(update.Step, why));
            return;
        }

        double terms = _job.Terms(slice.Count);
        double loss = total!.Loss / terms;
        _state.Apply(total, terms, _job.LearningRate(update.Step.Value), slice.Count);
        StepTimes times = _stepClock.OnUpdated();
        _metrics.OnStep(slice.Count, times);
        _observer.OnStep(new StepResult(
            update.Step.Value + 1, slice, loss, times, _machine.WorkersReady, _machine.RecomputedShards));
        Post(new CoordinatorEvent.UpdateApplied(update.Step));
    }

    /// <summary>Reports from the update thread. It waits for room: the machine cannot do without it.</summary>
    private void Post(CoordinatorEvent @event) => _host.PostAsync(@event).AsTask().GetAwaiter().GetResult();

    private void Save(CoordinatorEffect.SaveCheckpoint save)
    {
        _ = ReportSavedAsync(save.Step, _observer.SaveAsync(_state, save.Step.Value));
    }

    /// <summary>Reports the end of a save; a failed one ends the run, with its exception for the exit code.</summary>
    private async Task ReportSavedAsync(Step step, Task saved)
    {
        CoordinatorEvent @event = new CoordinatorEvent.CheckpointSaved(step);
        try
        {
            await saved;
        }
        catch (Exception exception)
        {
            _finish.TrySetException(exception);
            @event = new CoordinatorEvent.CheckpointFailed(step, exception.Message);
        }

        await _host.PostAsync(@event);
    }

    /// <summary>The data plane's own question; the machine has no part in it.</summary>
    private void SendData(WorkerId worker, WorkerMessage.WantData want)
    {
        if (Data is not null && Data.Read(want, out CoordinatorMessage answer, out IMemoryOwner<float>? bytes))
        {
            Send(worker, answer, bytes);
        }
        else
        {
            Send(worker, new CoordinatorMessage.NoData(want.Hash, "the coordinator does not have these data"));
        }
    }

    private void Send(WorkerId worker, CoordinatorMessage message, IMemoryOwner<float>? bulk = null)
    {
        if (_links.TryGetValue(worker, out IWorkerLink? link))
        {
            link.Send(message, bulk);
        }
        else
        {
            bulk?.Dispose();
        }
    }

    private void Close(WorkerId worker, string why)
    {
        if (_links.TryRemove(worker, out IWorkerLink? link))
        {
            link.Close(why);
        }
    }

    private GradientTicket Keep(PooledBuffer gradient, double loss)
    {
        gradient.Loss = loss; // From another process it comes beside the floats.
        GradientTicket ticket = new(Interlocked.Increment(ref _tickets));
        _gradients[ticket] = gradient;
        return ticket;
    }

    private void Let(GradientTicket ticket)
    {
        _gradients.TryRemove(ticket, out PooledBuffer? gradient);
        gradient?.Dispose();
    }
}
