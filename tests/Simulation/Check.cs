using System.Diagnostics.CodeAnalysis;

namespace Distributed.Simulation;

/// <summary>What must hold at every moment of a simulated run.</summary>
internal static class Check
{
    public static void That([DoesNotReturnIf(false)] bool condition, string truth)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"Does not hold: {truth}.");
        }
    }
}
