using System.Runtime.ExceptionServices;
using Akka.Actor;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Compute;
using Distributed.Worker.Core;

namespace Distributed.Worker.Actors;

/// <summary>A worker in a process of its own: its connection comes and goes, and a child gets data sets.</summary>
/// <remarks>
/// Attempts to connect are numbered. What an attempt that was given up still brings has its number and is dropped; a
/// connection that it makes after all is closed.
/// </remarks>
#pragma warning disable CA1001 // Disposed of in PostStop.
internal sealed class RemoteWorkerActor(
    ICoordinatorConnector connector,
    WorkerOptions options,
    JobSource jobs,
    Action<string> note,
    TaskCompletionSource<WorkerOrder.Exit>? ended) : WorkerActor(options, new ComputeCounters(), ended)
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly SessionBuffers _buffers = new();
    private IActorRef _dataSet = ActorRefs.Nobody;

    /// <summary>The newest attempt; a number more when it is given up, so that it is void.</summary>
    private int _attempt;
    private ICoordinatorSession? _session;
    private TrainingJob? _job;
    private bool _looksAhead;

    /// <summary>Why a connection was lost or could not be made last; null since the last welcome.</summary>
    private string? _lastFault;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        _dataSet = Context.ActorOf(
            ActorProps.Blocking(() => new DataSetClient(jobs)), "data-set");
        Report(new WorkerReport.Started());
    }

    /// <inheritdoc/>
    protected override void OnOtherMessage(object message)
    {
        switch (message)
        {
            case SessionMade made:
                OnMade(made);
                break;
            case SessionMessage { Message: var said } from:
                OnSaid(said, isVoid: from.Attempt != _attempt);
                break;
            case SessionHeard heard when heard.Attempt == _attempt:
                Report(new WorkerReport.CoordinatorHeard());
                break;
            case SessionClosed closed when closed.Attempt == _attempt:
                OnClosed(closed.Why);
                break;
            case SessionRefused refused when refused.Attempt == _attempt:
                Report(new WorkerReport.Refused(refused.Refusal, refused.Why));
                break;
            case ConnectFailed failed:
                ExceptionDispatchInfo.Throw(failed.Cause);
                break;
            case WorkerMessage.WantData want:
                _buffers.DataHash = want.Hash;
                Send(want);
                break;
            case DataSetClient.Prepared prepared:
                OnPrepared(prepared);
                break;
            case DataSetClient.PrepareFailed failed:
                Report(new WorkerReport.PrepareFailed(
                    failed.Term,
                    failed.Cause.Message,
                    failed.Cause is IOException io && AtomicFile.IsDiskFull(io)));
                break;
            default:
                Unhandled(message); // What void attempts say ends here.
                break;
        }
    }

    /// <inheritdoc/>
    protected override void PerformOther(WorkerOrder order)
    {
        switch (order)
        {
            case WorkerOrder.Connect:
                BeginAttempt();
                break;
            case WorkerOrder.Disconnect disconnect:
                note($"The connection to the coordinator is given up: {disconnect.Why}");
                EndAttempt(disconnect.Why);
                break;
            case WorkerOrder.Prepare prepare:
                _dataSet.Tell(new DataSetClient.Prepare(prepare.Term, prepare.Plan));
                break;
            default:
                throw new InvariantException($"Every order has its line; {order.GetType().Name} has none.");
        }
    }

    /// <inheritdoc/>
    protected override void OnComputing(Step step, ShardRange shards)
    {
        if (_looksAhead)
        {
            _dataSet.Tell(new DataSetClient.Computing(step, shards));
        }
    }

    /// <inheritdoc/>
    protected override void Send(WorkerMessage message)
    {
        if (_session is { } session)
        {
            session.Send(message);
        }
        else
        {
            message.Release();
        }
    }

    /// <inheritdoc/>
    protected override WorkerOrder.Exit Describe(WorkerOrder.Exit exit) =>
        exit.Outcome == WorkerOutcome.CannotJoin && _lastFault is { } fault
        && !exit.Why.Contains(fault, StringComparison.Ordinal)
            ? exit with { Why = $"{exit.Why} (last: {fault})" }
            : exit;

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
        _session?.Close("the worker has ended");
        base.PostStop();
    }

    private static async Task ConnectAsync(
        ICoordinatorConnector connector,
        SessionHandler handler,
        int attempt,
        IActorRef self,
        CancellationToken stopping)
    {
        object outcome;
        try
        {
            outcome = new SessionMade(attempt, await connector.ConnectAsync(handler, stopping));
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            outcome = new SessionClosed(attempt, exception.Message);
        }
        catch (JoinRefusedException exception)
        {
            outcome = new SessionRefused(attempt, exception.Refusal, exception.Message);
        }
        catch (Exception exception)
        {
            outcome = new ConnectFailed(exception);
        }

        self.Tell(outcome, self);
    }

    private void BeginAttempt()
    {
        _attempt++;
        SessionHandler handler = new(Self, _attempt, _buffers);
        _ = ConnectAsync(connector, handler, _attempt, Self, _stopping.Token);
    }

    private void EndAttempt(string why)
    {
        _attempt++;
        _session?.Close(why);
        _session = null;
        _dataSet.Tell(DataSetClient.ConnectionLost.Instance);
    }

    private void OnMade(SessionMade made)
    {
        if (made.Attempt != _attempt)
        {
            made.Release();
            return;
        }

        _session = made.Session;
        Report(new WorkerReport.Connected());
    }

    private void OnSaid(CoordinatorMessage message, bool isVoid)
    {
        if (isVoid)
        {
            message.Release();
            return;
        }

        switch (message)
        {
            case CoordinatorMessage.DataBlock or CoordinatorMessage.NoData:
                _dataSet.Tell(message);
                Report(new WorkerReport.CoordinatorHeard());
                break;
            case CoordinatorMessage.Welcome welcome:
                _lastFault = null;
                note($"Joined as {welcome.Worker} of term {welcome.Term.Value}");
                Take(welcome);
                break;
            default:
                Take(message);
                break;
        }
    }

    private void OnClosed(string why)
    {
        if (why != _lastFault)
        {
            _lastFault = why;
            note($"No connection to the coordinator: {why}");
        }

        EndAttempt(why);
        Report(new WorkerReport.ConnectionLost(why));
    }

    private void OnPrepared(DataSetClient.Prepared prepared)
    {
        _looksAhead = prepared.LooksAhead;
        if (prepared.Job != _job)
        {
            _job = prepared.Job;
            MakePool(_job);
            _buffers.Weights = _job.Gradients;
        }

        Report(new WorkerReport.Prepared(prepared.Term));
    }

    private sealed record SessionMade(int Attempt, ICoordinatorSession Session) : IReleasable
    {
        public void Release() => Session.Close("it came too late");
    }

    private sealed record SessionRefused(int Attempt, Refusal Refusal, string Why);

    private sealed record ConnectFailed(Exception Cause);
}
