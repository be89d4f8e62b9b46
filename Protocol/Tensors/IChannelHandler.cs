using System.Buffers;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tensors;

/// <summary>Who gets what a channel receives, on its reading thread: checks that take time belong here.</summary>
/// <remarks>
/// A <see cref="ProtocolException"/> refuses what the peer sent and closes the channel with its reason; anything else
/// that is thrown is a fault of this program. Nothing is called after <see cref="OnClosed"/>, and no message is handed
/// over that arrives after this end has closed.
/// </remarks>
public interface IChannelHandler<in TIn>
{
    /// <summary>A message arrived, its floats with it; they are the handler's from now on, also if it throws.</summary>
    void OnMessage(TIn message);

    /// <summary>Bytes arrived; not called for every one of them.</summary>
    void OnHeard();

    /// <summary>A buffer, of exactly this length, for floats that are about to arrive.</summary>
    /// <exception cref="ProtocolException">They are not expected, or not so many.</exception>
    IMemoryOwner<float> Rent(TIn message, int floatCount);

    /// <summary>Called once, at the end of every channel, when it holds nothing any more; any thread.</summary>
    void OnClosed(string why);
}
