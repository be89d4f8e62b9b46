using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Akka.Actor;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;
using Distributed.Protocol.Tensors;

namespace Distributed.Coordinator.Actors;

/// <summary>What workers of other processes join: a run's coordinator, and what their channels need.</summary>
/// <param name="Coordinator">The coordinator's actor.</param>
/// <param name="Gradients">Memory for gradients that arrive.</param>
/// <param name="Traffic">Counts what channels move.</param>
/// <param name="Fail">Told of a fault of this program.</param>
internal sealed record RunPort(
    IActorRef Coordinator, BufferPool Gradients, ChannelTraffic Traffic, Action<Exception> Fail);

/// <summary>One joining of a worker in another process, as a reference that the coordinator tells.</summary>
/// <remarks>
/// What is told to it goes at once, from any thread: what comes once or seldom by Akka, what belongs to a step by its
/// tensor channel, or nowhere before there is one. What its channel brings is told to the coordinator in its name.
/// </remarks>
/// <param name="session">The worker's actor of this joining, in its own process.</param>
/// <param name="join">What it said of itself.</param>
/// <param name="run">What it joins.</param>
/// <param name="gateway">Told when the channel has closed.</param>
/// <param name="coordinators">The addresses of all coordinators.</param>
internal sealed class RemoteWorker(
    IActorRef session,
    WorkerMessage.Join join,
    RunPort run,
    IActorRef gateway,
    Func<IReadOnlyList<HostPort>> coordinators) : MinimalActorRef, IChannelHandler<WorkerMessage>
{
    /// <summary>Far more than a worker has to say in a step; who says more at once is cut off, not dropped.</summary>
    private const int UnhandledMax = 1024;

    private TensorChannel<CoordinatorMessage, WorkerMessage>? _channel;
    private string? _plan;
    private int _unhandled;

    /// <summary>The worker's actor.</summary>
    public IActorRef Session => session;

    /// <summary>What the worker said of itself.</summary>
    public WorkerMessage.Join Join => join;

    /// <summary>Opens its channel, once.</summary>
    public byte[] Pass { get; } = RandomNumberGenerator.GetBytes(32);

    /// <summary>Whether it was welcomed.</summary>
    public bool IsWelcomed { get; private set; }

    /// <summary>Whether it was told that it may exit.</summary>
    public bool IsDismissed { get; private set; }

    /// <summary>Whether it was told that it is kept out, and so waits for no end.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>Where the worker runs, for people.</summary>
    public string Host => session.Path.Address.Host;

    /// <summary>The worker's ActorSystem.</summary>
    public Address Address => session.Path.Address;

    /// <summary>Its channel; null before it opens one.</summary>
    public TensorChannel<CoordinatorMessage, WorkerMessage>? Channel => Volatile.Read(ref _channel);

    /// <summary>Whether its channel stands.</summary>
    public bool IsHeard { get; private set; }

    /// <inheritdoc/>
    public override ActorPath Path => session.Path;

    /// <inheritdoc/>
    public override IActorRefProvider Provider => throw new NotSupportedException("A worker is in another process.");

    /// <summary>Takes the connection that came with its pass; a pass is good for one.</summary>
    public bool TryOpen(Connection connection)
    {
        TensorChannel<CoordinatorMessage, WorkerMessage> channel = new(
            connection.Stream, connection, new CoordinatorFormat(), this, new ChannelLimits(), run.Fail, run.Traffic);
        if (Interlocked.CompareExchange(ref _channel, channel, null) is not null)
        {
            return false;
        }

        connection.Gather();
        IsHeard = true;
        if (_plan is { } plan)
        {
            channel.Send(new CoordinatorMessage.Plan(plan));
        }

        channel.Start(join.Name);
        return true;
    }

    /// <summary>The coordinator has handled a message.</summary>
    public void OnHandled(WorkerMessage message)
    {
        if (message is not (WorkerMessage.Join or WorkerMessage.Ready or WorkerMessage.Leave))
        {
            Interlocked.Decrement(ref _unhandled); // Those come by Akka, and are not counted.
        }
    }

    /// <summary>Closes the channel after what was sent.</summary>
    public void Close(string why)
    {
        if (Channel is { } channel)
        {
            channel.Close(why);
        }
        else
        {
            gateway.Tell(new GatewayActor.Closed(this));
        }
    }

    /// <inheritdoc/>
    public void OnMessage(WorkerMessage message)
    {
        if (Interlocked.Increment(ref _unhandled) > UnhandledMax)
        {
            message.Release();
            Close("it says more than anybody can listen to");
            return;
        }

        // On the channel's own thread: a look at every float costs the coordinator's none of its time.
        run.Coordinator.Tell(
            message is WorkerMessage.GradientSum { Payload: PooledBuffer gradient } sum
                ? sum with { IsFinite = double.IsFinite(sum.Loss) && GradientArithmetic.IsFinite(gradient) }
                : message,
            this);
    }

    /// <inheritdoc/>
    public void OnHeard() => run.Coordinator.Tell(new CoordinatorActor.Heard(this));

    /// <inheritdoc/>
    public IMemoryOwner<float> Rent(WorkerMessage message, int floatCount) =>
        message is WorkerMessage.GradientSum && floatCount == run.Gradients.Length
            ? run.Gradients.Rent()
            : throw new ProtocolException(
                $"{message.GetType().Name} with {floatCount} floats; the model has {run.Gradients.Length}.");

    /// <inheritdoc/>
    public void OnClosed(string why)
    {
        IsHeard = false;
        run.Coordinator.Tell(new CoordinatorActor.Closed(this, why));
        gateway.Tell(new GatewayActor.Closed(this));
    }

    /// <inheritdoc/>
    protected override void TellInternal(object message, IActorRef sender)
    {
        switch (message)
        {
            case CoordinatorMessage.Welcome welcome:
                IsWelcomed = true;
                bool isLong = Encoding.UTF8.GetByteCount(welcome.Plan) > MessageFormat.PlanBytesMax;
                _plan = isLong ? welcome.Plan : null;
                session.Tell(welcome with
                {
                    Plan = isLong ? "" : welcome.Plan,
                    PlanFollows = isLong,
                    Pass = Pass,
                    Coordinators = [.. coordinators().Select(coordinator => coordinator.ToString())],
                });
                break;
            case CoordinatorMessage.Finish:
                IsDismissed = true;
                session.Tell(message);
                Channel?.Send((CoordinatorMessage)message); // So that it comes before the channel's end.
                break;
            case CoordinatorMessage.Refuse:
                IsRefused = true;
                session.Tell(message);
                break;
            case CoordinatorMessage.Coordinators:
                session.Tell(message);
                break;
            case CoordinatorMessage.DataBlock or CoordinatorMessage.NoData:
                Interlocked.Decrement(ref _unhandled); // Its question was answered by another actor.
                Send((CoordinatorMessage)message);
                break;
            case CoordinatorMessage said:
                Send(said);
                break;
        }
    }

    private void Send(CoordinatorMessage message)
    {
        if (Channel is { } channel)
        {
            channel.Send(message);
        }
        else
        {
            message.Release();
        }
    }
}
