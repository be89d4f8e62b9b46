using System.Buffers;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using MessagePack;
using MessagePack.Formatters;

namespace Distributed.Protocol.Serialization;

/// <summary>Messages as bytes: a MessagePack array of the tag and the message's fields, in their order.</summary>
/// <remarks>
/// Payloads travel beside it. The readers refuse unknown tags, wrong counts, nil, values out of their range, bytes that
/// follow, and whatever they would not have written so: every message has exactly one form. They throw nothing but
/// <see cref="ProtocolException"/>. Source: github.com/msgpack/msgpack, spec.md.
/// </remarks>
public static class MessageFormat
{
    /// <summary>Longest plan in a Welcome, in bytes of UTF-8; a longer one is a message of its own.</summary>
    public const int PlanBytesMax = 64 << 10;

    /// <summary>Longest plan at all.</summary>
    public const int LongPlanBytesMax = 3 << 20;

    /// <summary>What a thread keeps for its next message.</summary>
    private const int ScratchBytesMax = 128 << 10;

    private static readonly WorkerMessageFormatter s_worker = new();
    private static readonly CoordinatorMessageFormatter s_coordinator = new();
    private static readonly RunMessageFormatter s_run = new();

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? s_scratch;

    /// <summary>Whether floats belong to messages of this type: they do, always, or do not, ever.</summary>
    public static bool HasPayload(object message) => message is WorkerMessage.GradientSum
        or CoordinatorMessage.Weights or CoordinatorMessage.DataBlock;

    /// <summary>Appends a worker's message.</summary>
    public static void Write(IBufferWriter<byte> target, WorkerMessage message) => Write(target, message, s_worker);

    /// <summary>Appends a coordinator's message.</summary>
    /// <exception cref="MessageTooLargeException">Its plan is too long; nothing is appended.</exception>
    public static void Write(IBufferWriter<byte> target, CoordinatorMessage message) =>
        Write(target, message, s_coordinator);

    /// <summary>Appends a message about the run.</summary>
    public static void Write(IBufferWriter<byte> target, RunMessage message) => Write(target, message, s_run);

    /// <summary>Reads a worker's message from exactly these bytes.</summary>
    /// <exception cref="ProtocolException">They are none.</exception>
    public static WorkerMessage ReadWorkerMessage(ReadOnlyMemory<byte> source) => Read(source, s_worker);

    /// <summary>Reads a coordinator's message from exactly these bytes.</summary>
    /// <exception cref="ProtocolException">They are none.</exception>
    public static CoordinatorMessage ReadCoordinatorMessage(ReadOnlyMemory<byte> source) =>
        Read(source, s_coordinator);

    /// <summary>Reads a message about the run from exactly these bytes.</summary>
    /// <exception cref="ProtocolException">They are none.</exception>
    public static RunMessage ReadRunMessage(ReadOnlyMemory<byte> source) => Read(source, s_run);

    private static void Write<T>(IBufferWriter<byte> target, T message, IMessagePackFormatter<T> formatter)
    {
        MessagePackWriter writer = new(target);
        formatter.Serialize(ref writer, message, MessagePackSerializerOptions.Standard);
        writer.Flush();
    }

    private static T Read<T>(ReadOnlyMemory<byte> source, IMessagePackFormatter<T> formatter)
    {
        T message;
        try
        {
            MessagePackReader reader = new(source);
            message = formatter.Deserialize(ref reader, MessagePackSerializerOptions.Standard);
            if (!reader.End)
            {
                throw new ProtocolException($"{source.Length - reader.Consumed} bytes follow the message.");
            }
        }
        catch (Exception exception) when (exception is MessagePackSerializationException
            or EndOfStreamException or OverflowException or ArgumentException)
        {
            throw new ProtocolException($"No message: {exception.Message}", exception);
        }

        ArrayBufferWriter<byte> scratch = s_scratch ??= new ArrayBufferWriter<byte>();
        scratch.ResetWrittenCount();
        Write(scratch, message, formatter);
        if (scratch.Capacity > ScratchBytesMax)
        {
            s_scratch = null;
        }

        return scratch.WrittenSpan.SequenceEqual(source.Span)
            ? message
            : throw new ProtocolException($"{message!.GetType().Name} is not in its only form.");
    }
}
