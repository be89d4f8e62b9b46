using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Cluster;

/// <summary>The coordinator refuses; trying again would not help.</summary>
public sealed class JoinRefusedException(Refusal refusal, string reason, Exception? inner = null)
    : Exception(reason, inner)
{
    /// <summary>Why.</summary>
    public Refusal Refusal { get; } = refusal;
}
