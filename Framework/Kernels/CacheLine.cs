using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Framework.Kernels;

/// <summary>Asks for memory before it is needed, where the processor cannot guess what comes next.</summary>
/// <remarks>A hint: it changes no result, may name any address, and is nothing on processors without it.</remarks>
internal static unsafe class CacheLine
{
    /// <summary>Floats of a line.</summary>
    public const int Floats = 16;

    /// <summary>
    /// Fewest floats, gone through between two uses, for which asking in advance pays: they leave a cache of 1 MiB.
    /// </summary>
    public const int FarFloats = 3 << 16;

    /// <summary>Asks for the line that holds an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }

    /// <summary>Asks for lines that lie a number of floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* first, nint step, int count) =>
        Prefetch((byte*)first, step * sizeof(float), count);

    /// <summary>Asks for lines that lie a number of bytes apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* first, nint step, int count)
    {
        for (int i = 0; i < count; i++, first += step)
        {
            Prefetch(first);
        }
    }
}
