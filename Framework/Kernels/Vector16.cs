using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Framework.Kernels;

/// <summary>Sixteen floats: 32 registers of 512 bits (AVX-512).</summary>
internal unsafe struct Vector16(Vector512<float> value) : IVector<Vector16>
{
    // Not readonly: Accumulate must assign to the field itself, or the compiler moves every sum.
    private Vector512<float> _value = value;

    public static int Lanes => 16;

    public static int TileRows => 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector16 value) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 MultiplyAdd(Vector16 a, Vector16 b, Vector16 c) =>
        new(Vector512.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref Vector16 sum, Vector16 a, Vector16 b) =>
        sum._value = Vector512.FusedMultiplyAdd(a._value, b._value, sum._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 operator +(Vector16 a, Vector16 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 operator -(Vector16 a, Vector16 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 operator *(Vector16 a, Vector16 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 operator /(Vector16 a, Vector16 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 Sqrt(Vector16 value) => new(Vector512.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 ZeroUnlessPositive(Vector16 gate, Vector16 value) =>
        new(Vector512.AndNot(value._value, Vector512.LessThanOrEqual(gate._value, Vector512<float>.Zero)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 GreaterThan(Vector16 a, Vector16 b) => new(Vector512.GreaterThan(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 Equal(Vector16 a, Vector16 b) => new(Vector512.Equals(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 Select(Vector16 mask, Vector16 a, Vector16 b) =>
        new(Vector512.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 Clamp(Vector16 value, Vector16 low, Vector16 high)
    {
        Vector512<float> raised = Vector512.ConditionalSelect(
            Vector512.LessThan(value._value, low._value), low._value, value._value);
        return new(Vector512.ConditionalSelect(Vector512.GreaterThan(raised, high._value), high._value, raised));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector16 PowerOfTwo(Vector16 shifted) =>
        new(Vector512.ShiftLeft(shifted._value.AsInt32() + Vector512.Create(127), 23).AsSingle());
}
