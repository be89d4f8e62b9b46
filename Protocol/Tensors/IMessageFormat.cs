using System.Buffers;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tensors;

/// <summary>What a channel has to know of the messages that it carries.</summary>
/// <typeparam name="TOut">Messages that this end sends.</typeparam>
/// <typeparam name="TIn">Messages that it receives.</typeparam>
public interface IMessageFormat<TOut, TIn>
{
    /// <summary>Most bytes of a message that arrives, without its floats; longer ones are not read.</summary>
    int BytesMax { get; }

    /// <summary>Writes a message, without its floats.</summary>
    void Write(IBufferWriter<byte> target, TOut message);

    /// <summary>Reads a message.</summary>
    /// <exception cref="ProtocolException">It is none.</exception>
    TIn Read(ReadOnlyMemory<byte> source);

    /// <summary>The floats of a message and where they belong; null if messages of its type have none.</summary>
    (IMemoryOwner<float> Floats, PayloadStamp Stamp)? PayloadOf(TOut message);

    /// <summary>Where the floats belong that follow a message; null if messages of its type have none.</summary>
    PayloadStamp? StampOf(TIn message);

    /// <summary>The message with its floats.</summary>
    TIn WithPayload(TIn message, IMemoryOwner<float> floats);

    /// <summary>Whether a message that waits is useless once a newer one is there; both have floats.</summary>
    bool Supersedes(TOut newer, TOut waiting);
}
