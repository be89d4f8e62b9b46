using System.Runtime.ExceptionServices;
using Akka.Actor;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Link;
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
    private readonly LinkBuffers _buffers = new();
    private IActorRef _dataSet = ActorRefs.Nobody;

    /// <summary>The newest attempt; a number more when it is given up, so that it is void.</summary>
    private int _attempt;
    private ICoordinatorLink? _link;
    private TrainingJob? _job;

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
            case LinkMade made:
                OnMade(made);
                break;
            case LinkMessage { Message: var said } from:
                OnSaid(said, isVoid: from.Attempt != _attempt);
                break;
            case LinkHeard heard when heard.Attempt == _attempt:
                Report(new WorkerReport.CoordinatorHeard());
                break;
            case LinkClosed closed when closed.Attempt == _attempt:
                OnClosed(closed.Why);
                break;
            case LinkRefused refused when refused.Attempt == _attempt:
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
                Report(new WorkerReport.PrepareFailed(failed.Term, failed.Cause.Message));
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
                note($"The link to the coordinator is given up: {disconnect.Why}");
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
    protected override void Send(WorkerMessage message)
    {
        if (_link is { } link)
        {
            link.Send(message, message.Payload);
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
        _link?.Close("the worker has ended");
        base.PostStop();
    }

    private static async Task ConnectAsync(
        ICoordinatorConnector connector, LinkEndpoint endpoint, int attempt, IActorRef self, CancellationToken stopping)
    {
        object outcome;
        try
        {
            outcome = new LinkMade(attempt, await connector.ConnectAsync(endpoint, stopping));
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            outcome = new LinkClosed(attempt, exception.Message);
        }
        catch (LinkRefusedException exception)
        {
            outcome = new LinkRefused(attempt, exception.Refusal, exception.Message);
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
        LinkEndpoint endpoint = new(Self, _attempt, _buffers);
        _ = ConnectAsync(connector, endpoint, _attempt, Self, _stopping.Token);
    }

    private void EndAttempt(string why)
    {
        _attempt++;
        _link?.Close(why);
        _link = null;
        _dataSet.Tell(DataSetClient.ConnectionLost.Instance);
    }

    private void OnMade(LinkMade made)
    {
        if (made.Attempt != _attempt)
        {
            made.Release();
            return;
        }

        _link = made.Link;
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
            note($"No link to the coordinator: {why}");
        }

        EndAttempt(why);
        Report(new WorkerReport.ConnectionLost(why));
    }

    private void OnPrepared(DataSetClient.Prepared prepared)
    {
        if (prepared.Job != _job)
        {
            _job = prepared.Job;
            MakePool(_job);
            _buffers.Weights = _job.Gradients;
        }

        Report(new WorkerReport.Prepared(prepared.Term));
    }

    private sealed record LinkMade(int Attempt, ICoordinatorLink Link) : IReleasable
    {
        public void Release() => Link.Close("it came too late");
    }

    private sealed record LinkRefused(int Attempt, Refusal Refusal, string Why);

    private sealed record ConnectFailed(Exception Cause);
}
