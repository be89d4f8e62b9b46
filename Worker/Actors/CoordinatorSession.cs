using System.Buffers;
using Akka.Actor;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Worker.Actors;

/// <summary>One joining: what comes once or seldom goes by Akka, what belongs to a step by a channel.</summary>
/// <remarks>
/// The channel is opened with the pass of the welcome, which the worker is told only then; a plan that follows by the
/// channel comes to it in the welcome all the same.
/// </remarks>
/// <param name="gateway">The coordinator's address among actors.</param>
/// <param name="dialled">The coordinator's address among hosts.</param>
/// <param name="credential">Of this worker.</param>
/// <param name="handler">Told of messages and of the end.</param>
/// <param name="learn">Told of the addresses of all coordinators.</param>
/// <param name="onFault">Told of a fault of this program.</param>
internal sealed class CoordinatorSession(
    ICanTell gateway,
    HostPort dialled,
    Credential credential,
    IChannelHandler<CoordinatorMessage> handler,
    Action<IReadOnlyList<string>> learn,
    Action<Exception> onFault) : ICoordinatorSession, IChannelHandler<CoordinatorMessage>
{
    private TensorChannel<WorkerMessage, CoordinatorMessage>? _channel;

    /// <summary>A welcome whose plan is on its way.</summary>
    private CoordinatorMessage.Welcome? _welcome;
    private int _isClosed;

    /// <summary>Its actor.</summary>
    public IActorRef Actor { get; set; } = ActorRefs.Nobody;

    /// <inheritdoc/>
    public void Send(WorkerMessage message)
    {
        if (message is WorkerMessage.Join or WorkerMessage.Ready or WorkerMessage.Leave)
        {
            gateway.Tell(message, Actor);
        }
        else if (Volatile.Read(ref _channel) is { } channel)
        {
            channel.Send(message);
        }
        else
        {
            message.Release();
        }
    }

    /// <inheritdoc/>
    public void Close(string why)
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            Volatile.Read(ref _channel)?.Close(why);
            (Actor as IInternalActorRef)?.Stop();
        }
    }

    /// <summary>A message came by Akka.</summary>
    public void OnSaid(CoordinatorMessage message)
    {
        switch (message)
        {
            case CoordinatorMessage.Welcome welcome:
                learn(welcome.Coordinators);
                _ = OpenChannelAsync(welcome);
                break;
            case CoordinatorMessage.Coordinators coordinators:
                learn(coordinators.Addresses);
                break;
            default:
                handler.OnMessage(message);
                break;
        }
    }

    /// <summary>A connection of Akka's ended: that counts only before there is a channel.</summary>
    public void OnCut(string why)
    {
        if (Volatile.Read(ref _channel) is null)
        {
            OnClosed(why);
        }
    }

    /// <summary>The ActorSystem can say nothing more to the coordinator: the channel goes with it.</summary>
    public void OnOver(string why)
    {
        OnClosed(why);
        Volatile.Read(ref _channel)?.Close(why);
    }

    /// <inheritdoc/>
    public void OnMessage(CoordinatorMessage message)
    {
        if (message is CoordinatorMessage.Plan plan)
        {
            if (Interlocked.Exchange(ref _welcome, null) is { } welcome)
            {
                handler.OnMessage(welcome with { Plan = plan.Json, PlanFollows = false });
            }
        }
        else
        {
            handler.OnMessage(message);
        }
    }

    /// <inheritdoc/>
    public void OnHeard() => handler.OnHeard();

    /// <inheritdoc/>
    public IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount) => handler.Rent(message, floatCount);

    /// <inheritdoc/>
    public void OnClosed(string why)
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            (Actor as IInternalActorRef)?.Stop();
            handler.OnClosed(why);
        }
    }

    private async Task OpenChannelAsync(CoordinatorMessage.Welcome welcome)
    {
        try
        {
            Connection connection = await Dialer.DialAsync(
                dialled, credential, ConnectionKind.Channel, CancellationToken.None, welcome.Pass);
            connection.Gather();
            TensorChannel<WorkerMessage, CoordinatorMessage> channel = new(
                connection.Stream, connection, new WorkerFormat(), this, new ChannelLimits(), onFault);
            _welcome = welcome.PlanFollows ? welcome : null;
            Volatile.Write(ref _channel, channel);
            if (!welcome.PlanFollows)
            {
                handler.OnMessage(welcome);
            }

            channel.Start("coordinator");
            if (Volatile.Read(ref _isClosed) != 0)
            {
                channel.Close("it came too late");
            }
        }
        catch (Exception exception) when (exception is IOException or AccessException)
        {
            OnClosed(exception.Message);
        }
        catch (Exception exception)
        {
            onFault(exception);
        }
    }
}
