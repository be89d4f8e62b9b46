using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Wire;

/// <summary>What one end says and hears, as bytes.</summary>
/// <typeparam name="TOut">Messages it sends.</typeparam>
/// <typeparam name="TIn">Messages it receives.</typeparam>
public abstract class WireFormat<TOut, TIn>
    where TOut : notnull
    where TIn : notnull
{
    private const int ReasonMax = 256;

    /// <summary>Bytes that suffice for a message's frame.</summary>
    public int FrameBytesMax(TOut message) => Frame.HeaderBytes + 16 + SizeMax(message);

    /// <summary>Writes the frame of a message; with floats, the one before their chunks.</summary>
    /// <param name="target">Has <see cref="FrameBytesMax"/> bytes.</param>
    /// <param name="message">What to say.</param>
    /// <param name="stream">The number of the bulk; 0 without.</param>
    /// <param name="floatCount">Floats that follow; 0 without bulk.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ProtocolException">The message is longer than a frame may be.</exception>
    public int WriteFrame(Span<byte> target, TOut message, uint stream = 0, int floatCount = 0)
    {
        Invariant.Assert(MessageTag.HasBulk(message) == (floatCount > 0), "Floats come with messages that have them.");
        MessagePackWriter writer = new(target[Frame.HeaderBytes..]);
        if (floatCount > 0)
        {
            writer.WriteArray(2);
            writer.WriteInteger(floatCount);
        }

        Write(ref writer, message);
        if (writer.Length > Frame.PayloadMax)
        {
            throw new ProtocolException($"A message of {writer.Length} bytes; a frame holds {Frame.PayloadMax}.");
        }

        FrameKind kind = floatCount > 0 ? FrameKind.BulkBegin : FrameKind.Control;
        Frame.WriteHeader(target, kind, stream, target.Slice(Frame.HeaderBytes, writer.Length));
        return Frame.HeaderBytes + writer.Length;
    }

    /// <summary>Reads the message of a frame whose checksum is right.</summary>
    /// <param name="kind">Control or bulk begin.</param>
    /// <param name="payload">All of it.</param>
    /// <returns>The message, and the number of floats that follow.</returns>
    /// <exception cref="ProtocolException">It is none.</exception>
    public (TIn Message, int FloatCount) ReadPayload(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        MessagePackReader reader = new(payload);
        int floatCount = 0;
        if (kind == FrameKind.BulkBegin)
        {
            int count = reader.ReadArray(2);
            floatCount = (int)reader.ReadInteger(Array.MaxLength / sizeof(float));
            if (count != 2 || floatCount == 0)
            {
                throw new ProtocolException("A bulk begins with its number of floats and a message.");
            }
        }

        TIn message = Read(ref reader);
        reader.End();
        return MessageTag.HasBulk(message) == (kind == FrameKind.BulkBegin)
            ? (message, floatCount)
            : throw new ProtocolException($"{message.GetType().Name} in a frame of kind {kind}.");
    }

    /// <summary>Writes the last frame.</summary>
    /// <returns>Bytes written, at most 512.</returns>
    public static int WriteEnd(Span<byte> target, string why)
    {
        MessagePackWriter writer = new(target[Frame.HeaderBytes..]);
        writer.WriteText(why[..Math.Min(why.Length, ReasonMax / 3)]);
        Frame.WriteHeader(target, FrameKind.End, stream: 0, target.Slice(Frame.HeaderBytes, writer.Length));
        return Frame.HeaderBytes + writer.Length;
    }

    /// <summary>Reads why the other end closes.</summary>
    /// <exception cref="ProtocolException">It is no such payload.</exception>
    public static string ReadEnd(ReadOnlySpan<byte> payload)
    {
        MessagePackReader reader = new(payload);
        string why = reader.ReadText(ReasonMax);
        reader.End();
        return why;
    }

    /// <summary>Whether a message that waits is useless once a newer one is there.</summary>
    internal virtual bool Supersedes(TOut newer, TOut queued) => false;

    private protected abstract int SizeMax(TOut message);

    private protected abstract void Write(ref MessagePackWriter writer, TOut message);

    private protected abstract TIn Read(ref MessagePackReader reader);
}

/// <summary>The coordinator's end.</summary>
public sealed class CoordinatorWireFormat : WireFormat<CoordinatorMessage, WorkerMessage>
{
    /// <remarks>Only the newest weights are of any use.</remarks>
    internal override bool Supersedes(CoordinatorMessage newer, CoordinatorMessage queued) =>
        newer is CoordinatorMessage.Weights && queued is CoordinatorMessage.Weights;

    private protected override int SizeMax(CoordinatorMessage message) => MessageCodec.SizeMax(message);

    private protected override void Write(ref MessagePackWriter writer, CoordinatorMessage message) =>
        MessageCodec.Write(ref writer, message);

    private protected override WorkerMessage Read(ref MessagePackReader reader) =>
        MessageCodec.ReadWorkerMessage(ref reader);
}

/// <summary>A worker's end.</summary>
public sealed class WorkerWireFormat : WireFormat<WorkerMessage, CoordinatorMessage>
{
    private protected override int SizeMax(WorkerMessage message) => MessageCodec.SizeMax(message);

    private protected override void Write(ref MessagePackWriter writer, WorkerMessage message) =>
        MessageCodec.Write(ref writer, message);

    private protected override CoordinatorMessage Read(ref MessagePackReader reader) =>
        MessageCodec.ReadCoordinatorMessage(ref reader);
}
