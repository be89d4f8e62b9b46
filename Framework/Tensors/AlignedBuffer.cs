using System.Runtime.CompilerServices;

namespace Distributed.Framework.Tensors;

/// <summary>A fixed run of floats, zero at first, aligned to 64 bytes, that never moves.</summary>
/// <remarks>
/// The memory is a managed array on the pinned heap, so nobody frees it and a pointer stays valid as long as the
/// buffer is referenced. Behind the last float there is room up to a multiple of 16, so that kernels need no tail.
/// Not synchronized: one thread writes at a time.
/// </remarks>
public sealed unsafe class AlignedBuffer
{
    /// <summary>Most floats of a buffer: what a managed array holds, less the room for alignment.</summary>
    public const int LengthMax = 0x7FFFFFC7 - (2 * AlignmentFloats);

    private const int AlignmentBytes = 64;
    private const int AlignmentFloats = AlignmentBytes / sizeof(float);
    private readonly float[] _array;
    private readonly int _start;

    /// <summary>Allocates <paramref name="length"/> floats.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than <see cref="LengthMax"/>.</exception>
    public AlignedBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, LengthMax);
        Length = (int)length;
        int capacity = (Length + AlignmentFloats - 1) / AlignmentFloats * AlignmentFloats;
        _array = GC.AllocateArray<float>(capacity + AlignmentFloats, pinned: true);
        nint address = (nint)Unsafe.AsPointer(ref _array[0]);
        _start = (int)((-address & (AlignmentBytes - 1)) / sizeof(float));
        Pointer = (float*)Unsafe.AsPointer(ref _array[_start]);
    }

    /// <summary>Number of floats.</summary>
    public int Length { get; }

    /// <summary>All of it.</summary>
    public Span<float> Span => _array.AsSpan(_start, Length);

    /// <summary>All of it, where a span cannot go.</summary>
    public Memory<float> Memory => _array.AsMemory(_start, Length);

    /// <summary>The first float; valid while this object is referenced.</summary>
    internal float* Pointer { get; }
}
