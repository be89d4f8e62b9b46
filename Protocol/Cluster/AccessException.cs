namespace Distributed.Protocol.Cluster;

/// <summary>A token, a certificate or an address is missing or wrong; a user can fix it.</summary>
/// <param name="cause">What is wrong and where: one line, without any secret.</param>
/// <param name="remedy">What to do about it: one line.</param>
/// <param name="inner">What was caught, if anything.</param>
public sealed class AccessException(string cause, string remedy, Exception? inner = null) : Exception(cause, inner)
{
    /// <summary>What to do about it: one line.</summary>
    public string Remedy { get; } = remedy;
}
