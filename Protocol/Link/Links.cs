using System.Buffers;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Link;

/// <summary>The coordinator's end of the link to one worker.</summary>
/// <remarks>Sending never blocks; a link that cannot keep up closes itself and reports it.</remarks>
public interface IWorkerLink
{
    /// <summary>Sends a message, with the floats that belong to it.</summary>
    /// <param name="message">What to say.</param>
    /// <param name="payload">Weights, or null; the link disposes of them when they are sent.</param>
    void Send(CoordinatorMessage message, IMemoryOwner<float>? payload = null);

    /// <summary>Closes the link after what was sent; the worker hears of it, this end does not.</summary>
    void Close(string why);
}

/// <summary>A worker's end of the link to the coordinator.</summary>
/// <inheritdoc cref="IWorkerLink"/>
public interface ICoordinatorLink
{
    /// <summary>Sends a message, with the floats that belong to it.</summary>
    /// <param name="message">What to say.</param>
    /// <param name="payload">A gradient, or null; the link disposes of it when it is sent.</param>
    void Send(WorkerMessage message, IMemoryOwner<float>? payload = null);

    /// <summary>Closes the link after what was sent; the coordinator hears of it, this end does not.</summary>
    void Close(string why);
}

/// <summary>Who gets what a worker says.</summary>
public interface ICoordinatorEndpoint
{
    /// <summary>A message arrived, with its floats; the endpoint disposes of them.</summary>
    void OnMessage(SessionId worker, WorkerMessage message, IMemoryOwner<float>? payload);

    /// <summary>Bytes arrived; not called for every one of them.</summary>
    void OnHeard(SessionId worker);

    /// <summary>A buffer for floats that are about to arrive from another process.</summary>
    /// <exception cref="ProtocolException">The message has no floats, or not so many.</exception>
    IMemoryOwner<float> Rent(WorkerMessage message, int floatCount);

    /// <summary>The link is gone.</summary>
    void OnClosed(SessionId worker, string why);
}

/// <summary>Who gets what the coordinator says.</summary>
public interface IWorkerEndpoint
{
    /// <summary>A message arrived, with its floats; the endpoint disposes of them.</summary>
    void OnMessage(CoordinatorMessage message, IMemoryOwner<float>? payload);

    /// <summary>Bytes arrived; not called for every one of them.</summary>
    void OnHeard();

    /// <summary>A buffer for floats that are about to arrive from another process.</summary>
    /// <exception cref="ProtocolException">The message has no floats, or not so many.</exception>
    IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount);

    /// <summary>The link is gone.</summary>
    void OnClosed(string why);
}
