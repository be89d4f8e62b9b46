namespace Distributed.Protocol.Cluster;

/// <summary>A token, a key or an address is missing or wrong; a user can fix it, and trying again does not.</summary>
/// <param name="cause">What is wrong and where: one line, without any secret.</param>
/// <param name="remedy">What to do about it: one line.</param>
/// <param name="inner">What was caught, if anything.</param>
public sealed class AccessException(string cause, string remedy, Exception? inner = null) : Exception(cause, inner)
{
    /// <summary>What to do about it: one line.</summary>
    public string Remedy { get; } = remedy;

    /// <summary>One of <see cref="ExitCodes"/>, for a program that ends by this.</summary>
    public int ExitCode { get; init; } = ExitCodes.BadInput;
}
