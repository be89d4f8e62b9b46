using Akka.Actor;
using Distributed.Coordinator.Core;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using static Distributed.Coordinator.Core.CoordinatorOrder;
using static Distributed.Coordinator.Core.CoordinatorReport;

namespace Distributed.Coordinator.Actors;

/// <summary>Assigns shards, collects gradients, averages, steps, broadcasts weights.</summary>
/// <remarks>
/// One thread, which the workers of the same process share: a sum that arrives last is averaged, stepped and followed
/// by the next assignment without waking anybody in between. What takes time or touches disks or people is a child's:
/// the journal, checkpoints, evaluation, the data set. A failed child ends the run (<see cref="FailureStrategy"/>).
/// </remarks>
internal sealed class CoordinatorActor : MachineActor<CoordinatorReport, CoordinatorOrder>
{
    private readonly CoordinatorSettings _settings;
    private readonly TrainingState _state;
    private readonly CoordinatorMachine _machine;
    private readonly StepAverager _averager;
    private readonly JournalLink _journal;
    private readonly IActorRef? _evaluation;
    private readonly IActorRef? _dataSet;
    private readonly CheckpointRequests? _checkpoints;
    private readonly Dictionary<SessionId, Peer> _workers = [];
    private readonly Dictionary<IActorRef, SessionId> _ids = [];
    private int _lastId;

    /// <summary>A step that is done, and not reported before the journal has room.</summary>
    private Step? _held;

    /// <summary>A run that is over but for a checkpoint that is on its way.</summary>
    private Finish? _finish;

    /// <summary>Starts the children, and the run.</summary>
    public CoordinatorActor(CoordinatorSettings settings)
        : this(settings, new CoordinatorMachine(
            settings.Term, settings.First, settings.Job.Schedule, settings.Options))
    {
    }

    private CoordinatorActor(CoordinatorSettings settings, CoordinatorMachine machine)
        : base(machine, new Tick())
    {
        _settings = settings;
        _machine = machine;
        _state = settings.State;
        _journal = new JournalLink(
            Context.ActorOf(settings.Journal, "journal"), Self, settings.JournalInterval, settings.JournalRecordsMax);
        _averager = new StepAverager(settings, machine, _journal);
        _evaluation = settings.Evaluation is { } evaluation ? Context.ActorOf(evaluation, "evaluation") : null;
        _dataSet = settings.DataSet is { } data ? Context.ActorOf(data, "data-set") : null;
        _checkpoints = settings.Checkpoints is { } checkpoints
            ? new CheckpointRequests(
                settings.Job.Model, _state, _journal.Journal, Context.ActorOf(checkpoints, "checkpoints"), Self)
            : null;
    }

    /// <summary>Asks for a worker of this process; answered with its reference.</summary>
    public sealed record StartWorker(int Threads);

    /// <summary>Bytes of an incomplete message came from a worker.</summary>
    public sealed record Heard(IActorRef Worker);

    /// <summary>A worker's connection is gone.</summary>
    public sealed record Closed(IActorRef Worker, string Why);

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new FailureStrategy(_settings.OnFailure);

    /// <inheritdoc/>
    protected override void PreStart() => Report(new Started());

    /// <inheritdoc/>
    protected override void OnMessage(object message)
    {
        switch (message)
        {
            case WorkerMessage when Sender is Akka.Remote.RemoteActorRef:
                Unhandled(message); // Who joins from elsewhere does so at the gateway, and speaks by a RemoteWorker.
                break;
            case WorkerMessage.WantData want when _dataSet is not null:
                _dataSet.Forward(want);
                break;
            case WorkerMessage.WantData want:
                Sender.Tell(new CoordinatorMessage.NoData(want.Hash, "this coordinator gives no data"));
                break;
            case WorkerMessage said:
                OnSaid(said);
                break;
            case StatusRequest:
                Sender.Tell(StatusReport.Of(
                    _settings, _machine, id => _workers.GetValueOrDefault(id), FindMembers(), Now));
                break;
            case StopRequest:
                _settings.OnStopRequest();
                Sender.Tell(new StopAccepted());
                break;
            case StartWorker start:
                Sender.Tell(Start(start.Threads));
                break;
            case JournalActor.Note note:
                _journal.Note(note.Line);
                break;
            case JournalActor.End:
                _journal.Journal.Forward(message);
                break;
            case JournalActor.Taken taken:
                OnTaken(taken);
                break;
            case Heard heard when _ids.TryGetValue(heard.Worker, out SessionId id):
                _workers[id].Metrics?.OnHeard();
                Report(new WorkerHeard(id));
                break;
            case Closed closed:
                OnGone(closed.Worker, closed.Why);
                break;
            case Terminated terminated:
                OnGone(terminated.ActorRef, "it ended");
                break;
            case EvaluationActor.Evaluated evaluated:
                OnEvaluated(evaluated);
                break;
            case CheckpointActor.Written written:
                OnWritten(written);
                break;
            case CoordinatorReport report:
                Report(report);
                break;
            default:
                Unhandled(message);
                break;
        }

        _journal.Workers(_machine.WorkersReady);
    }

    /// <inheritdoc/>
    protected override void OnTick()
    {
        _journal.Report(Now);
        _journal.Workers(_machine.WorkersReady);
    }

    /// <inheritdoc/>
    protected override void Perform(CoordinatorOrder order)
    {
        switch (order)
        {
            case Send send: OnSend(send.To, send.Message); break;
            case Close close: OnClose(close); break;
            case AverageAndStep step: OnAverageAndStep(step); break;
            case Release release: release.Gradient.Dispose(); break;
            case Validate validate: OnValidate(validate.Step); break;
            case Save save: OnSave(save.Step); break;
            case Announce announce: _journal.Note(announce.Line); break;
            case Finish finish: OnFinish(finish); break;
            default: throw new InvariantException($"Every order has its line; {order.GetType().Name} has none.");
        }
    }

    private void OnSaid(WorkerMessage message)
    {
        RemoteWorker? remote = Sender as RemoteWorker;
        SessionId from = IdOf(Sender, message);
        Peer? peer = _workers.GetValueOrDefault(from);
        peer?.Metrics?.OnSaid(message);
        _machine.Handle(from, message, Now, Orders, remote?.Host ?? "");
        if (message is WorkerMessage.Join)
        {
            OnNamed(from);
        }

        PerformOrders();
        remote?.OnHandled(message);
    }

    private static HashSet<Address> FindMembers() =>
        [.. Akka.Cluster.Cluster.Get(Context.System).State.Members.Select(member => member.Address)];

    private void OnNamed(SessionId worker)
    {
        if (_machine.NameOf(worker) is { } name)
        {
            _workers.GetValueOrDefault(worker)?.OnNamed(name, _settings.Metrics);
        }
    }

    /// <summary>Numbers workers in the order in which they say their first word.</summary>
    private SessionId IdOf(IActorRef worker, WorkerMessage message)
    {
        if (_ids.TryGetValue(worker, out SessionId id))
        {
            return id;
        }

        // Only a Join makes somebody known; anything else is from one who is known no more.
        id = new SessionId(++_lastId);
        if (message is WorkerMessage.Join)
        {
            _ids.Add(worker, id);
            _workers.Add(id, new Peer(worker));
        }

        return id;
    }

    private IActorRef Start(int threads)
    {
        SessionId id = new(++_lastId);
        IActorRef worker = Context.ActorOf(_settings.LocalWorker!(Self, id, threads), $"worker-{id.Value}");
        Context.Watch(worker);
        _ids.Add(worker, id);
        _workers.Add(id, new Peer(worker));
        Report(new WorkerStarted(id, threads));
        OnNamed(id); // Not if the run is over.
        return worker;
    }

    private void OnSend(SessionId to, CoordinatorMessage message)
    {
        if (!_workers.TryGetValue(to, out Peer? worker))
        {
            return;
        }

        if (message is CoordinatorMessage.Weights weights)
        {
            message = weights with { Payload = _state.Parameters.AddReference() };
        }
        else if (message is CoordinatorMessage.Assign assign)
        {
            _averager.OnAssigned(assign.Step);
        }

        worker.Reference.Tell(message, Self);
    }

    private void OnClose(Close close)
    {
        if (_workers.Remove(close.Worker, out Peer? worker))
        {
            worker.Dispose();
            _ids.Remove(worker.Reference);
            (worker.Reference as RemoteWorker)?.Close(close.Why);
        }
    }

    private void OnGone(IActorRef worker, string why)
    {
        if (_ids.Remove(worker, out SessionId id))
        {
            _workers.Remove(id, out Peer? peer);
            peer!.Dispose();
            Report(new WorkerLost(id, why));
        }
    }

    private void OnAverageAndStep(AverageAndStep order)
    {
        if (_averager.AverageAndStep(order, Now) is { } why)
        {
            Report(new StepFailed(order.Step, why));
        }
        else if (_journal.IsFull)
        {
            _held = order.Step;
        }
        else
        {
            Report(new Stepped(order.Step));
        }
    }

    /// <summary>Training that has waited for the journal goes on.</summary>
    private void OnTaken(JournalActor.Taken taken)
    {
        _journal.OnTaken(taken);
        if (_held is { } step && !_journal.IsFull)
        {
            _held = null;
            Report(new Stepped(step));
        }
    }

    private void OnValidate(Step step)
    {
        _journal.Report(Now);
        if (_evaluation is null)
        {
            Report(new Validated(step));
        }
        else
        {
            _evaluation.Tell(new EvaluationActor.Evaluate(step, _state.Used.AddReference()));
        }
    }

    /// <summary>Training waits for a validation: the state is still the one that was measured.</summary>
    private void OnEvaluated(EvaluationActor.Evaluated evaluated)
    {
        _journal.Add(evaluated);
        if (evaluated.KeepsBest && _checkpoints is not null)
        {
            _checkpoints.SaveBest(evaluated);
        }

        if (_checkpoints is not { IsBestWaiting: true })
        {
            Report(new Validated(evaluated.Step));
        }
    }

    private void OnSave(Step step)
    {
        _journal.Report(Now);
        if (_checkpoints is null)
        {
            Report(new Saved(step));
        }
        else
        {
            _checkpoints.Save(step);
        }
    }

    private void OnWritten(CheckpointActor.Written written)
    {
        EvaluationActor.Evaluated? taken = _checkpoints!.OnWritten(written);
        if (written.Fault is { } fault)
        {
            _settings.Finished.TrySetException(fault);
            Report(new SaveFailed(written.Step, fault.Message));
        }
        else if (written.IsByStep)
        {
            Report(new Saved(written.Step));
        }

        if (taken is not null)
        {
            Report(new Validated(taken.Step));
        }

        if (_finish is { } finish)
        {
            OnFinish(finish);
        }
    }

    private void OnFinish(Finish finish)
    {
        _journal.Report(Now);
        _finish = finish;
        if (_checkpoints is not { IsBestUnderWay: true })
        {
            _settings.Finished.TrySetResult(finish);
        }
    }
}
