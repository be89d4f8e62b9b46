using Distributed.Protocol.Messages;
using MessagePack;
using MessagePack.Formatters;

namespace Distributed.Protocol.Serialization;

/// <summary>Messages about the run: a tag each, and no fields.</summary>
internal sealed class RunMessageFormatter : IMessagePackFormatter<RunMessage>
{
    /// <inheritdoc/>
    public void Serialize(ref MessagePackWriter writer, RunMessage value, MessagePackSerializerOptions options) =>
        writer.Begin(
            value switch
            {
                StatusRequest => MessageTag.StatusRequest,
                StopRequest => MessageTag.StopRequest,
                StopAccepted => MessageTag.StopAccepted,
                _ => throw MessageFields.Unwritten(value),
            },
            fields: 0);

    /// <inheritdoc/>
    public RunMessage Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        (int tag, int fields) = reader.ReadStart();
        return (tag, fields) switch
        {
            (MessageTag.StatusRequest, 0) => new StatusRequest(),
            (MessageTag.StopRequest, 0) => new StopRequest(),
            (MessageTag.StopAccepted, 0) => new StopAccepted(),
            _ => throw MessageFields.Unknown(tag, fields),
        };
    }
}
