using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Link;

/// <summary>The coordinator, or its listener, refuses; trying again would not help.</summary>
public sealed class LinkRefusedException(Refusal refusal, string reason, Exception? inner = null)
    : Exception(reason, inner)
{
    /// <summary>Why.</summary>
    public Refusal Refusal { get; } = refusal;
}
