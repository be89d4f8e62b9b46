using System.Runtime.Intrinsics;

namespace Distributed.Framework.Kernels;

/// <summary>Which vector width kernels use: the widest that pays on the processor, unless a test forces one.</summary>
/// <remarks>
/// The runtime goes by the processor's model: it calls 512 bits accelerated only where they do not slow the clock down.
/// The width never changes a result, only the speed; a processor without it emulates it.
/// </remarks>
internal static class VectorWidth
{
    /// <summary>The environment variable that forces a width, for tests: 128, 256 or 512.</summary>
    private const string Variable = "DISTRIBUTED_TEST_VECTOR_BITS";

    /// <summary>Bits of a vector: 128, 256 or 512.</summary>
    public static int Bits { get; } = Environment.GetEnvironmentVariable(Variable) switch
    {
        "128" => 128,
        "256" => 256,
        "512" => 512,
        _ => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128,
    };
}
