using System.Diagnostics.CodeAnalysis;

namespace Distributed.Protocol.Machines;

/// <summary>
/// Our own logic is wrong. Nobody catches it: the process stops and starts again from its checkpoint.
/// </summary>
public sealed class InvariantException(string message) : Exception(message);

/// <summary>A peer broke the protocol; costs that peer its connection.</summary>
public sealed class ProtocolException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Truths about our own state, checked in every build. Never used on what came from a peer.</summary>
public static class Invariant
{
    /// <summary>States one truth.</summary>
    /// <exception cref="InvariantException">It does not hold.</exception>
    public static void Assert([DoesNotReturnIf(false)] bool condition, string truth)
    {
        if (!condition)
        {
            throw new InvariantException(truth);
        }
    }
}
