using System.Buffers;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Serialization;

/// <summary>Messages without payloads as Akka messages, in <see cref="MessageFormat"/>.</summary>
/// <remarks>Whatever it throws makes Akka drop the message and keep the connection.</remarks>
public sealed class MessageSerializer : SerializerWithStringManifest
{
    /// <summary>Largest message; Akka drops frames above 128,000 bytes, and its addresses need room.</summary>
    public const int BytesMax = 100 << 10;

    private const string WorkerManifest = "w";
    private const string CoordinatorManifest = "c";
    private const string RunManifest = "q";

    /// <summary>Called by Akka.</summary>
    /// <param name="system">Whose messages.</param>
    public MessageSerializer(ExtendedActorSystem system)
        : base(system)
    {
    }

    /// <inheritdoc/>
    public override int Identifier => 5501;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        WorkerMessage => WorkerManifest,
        CoordinatorMessage => CoordinatorManifest,
        RunMessage => RunManifest,
        _ => throw new SerializationException($"{o.GetType()} is no message."),
    };

    /// <inheritdoc/>
    /// <exception cref="MessageTooLargeException">It has more than <see cref="BytesMax"/> bytes.</exception>
    /// <exception cref="SerializationException">It is none, or has a payload.</exception>
    public override byte[] ToBinary(object obj)
    {
        ArrayBufferWriter<byte> target = new();
        switch (obj)
        {
            case var _ when MessageFormat.HasPayload(obj):
                throw new SerializationException($"{obj.GetType().Name} travels over the tensor channel.");
            case WorkerMessage message: MessageFormat.Write(target, message); break;
            case CoordinatorMessage message: MessageFormat.Write(target, message); break;
            case RunMessage message: MessageFormat.Write(target, message); break;
            default: throw new SerializationException($"{obj.GetType()} is no message.");
        }

        return target.WrittenCount <= BytesMax
            ? target.WrittenSpan.ToArray()
            : throw new MessageTooLargeException(obj.GetType().Name, target.WrittenCount, BytesMax);
    }

    /// <inheritdoc/>
    /// <exception cref="SerializationException">It is refused, and counted.</exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            object message = manifest switch
            {
                _ when bytes.Length > BytesMax => throw new ProtocolException($"A message of {bytes.Length} bytes."),
                WorkerManifest => MessageFormat.ReadWorkerMessage(bytes),
                CoordinatorManifest => MessageFormat.ReadCoordinatorMessage(bytes),
                RunManifest => MessageFormat.ReadRunMessage(bytes),
                _ => throw new ProtocolException($"There are no messages of the kind '{manifest}'."),
            };
            return MessageFormat.HasPayload(message)
                ? throw new ProtocolException($"{message.GetType().Name} travels over the tensor channel.")
                : message;
        }
        catch (ProtocolException exception)
        {
            MessageRefusals.OnRefused(system, Identifier, exception.Message);
            throw new SerializationException(exception.Message, exception);
        }
    }
}
