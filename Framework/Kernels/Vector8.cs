using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Framework.Kernels;

/// <summary>Eight floats: 16 registers of 256 bits (AVX2).</summary>
internal unsafe struct Vector8(Vector256<float> value) : IVector<Vector8>
{
    // Not readonly: Accumulate must assign to the field itself, or the compiler moves every sum.
    private Vector256<float> _value = value;

    public static int Lanes => 8;

    public static int TileRows => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector8 value) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 MultiplyAdd(Vector8 a, Vector8 b, Vector8 c) =>
        new(Vector256.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref Vector8 sum, Vector8 a, Vector8 b) =>
        sum._value = Vector256.FusedMultiplyAdd(a._value, b._value, sum._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 operator +(Vector8 a, Vector8 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 operator -(Vector8 a, Vector8 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 operator *(Vector8 a, Vector8 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 operator /(Vector8 a, Vector8 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 Sqrt(Vector8 value) => new(Vector256.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 ZeroUnlessPositive(Vector8 gate, Vector8 value) =>
        new(Vector256.AndNot(value._value, Vector256.LessThanOrEqual(gate._value, Vector256<float>.Zero)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 GreaterThan(Vector8 a, Vector8 b) => new(Vector256.GreaterThan(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 Equal(Vector8 a, Vector8 b) => new(Vector256.Equals(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 Select(Vector8 mask, Vector8 a, Vector8 b) =>
        new(Vector256.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 Clamp(Vector8 value, Vector8 low, Vector8 high)
    {
        Vector256<float> raised = Vector256.ConditionalSelect(
            Vector256.LessThan(value._value, low._value), low._value, value._value);
        return new(Vector256.ConditionalSelect(Vector256.GreaterThan(raised, high._value), high._value, raised));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector8 PowerOfTwo(Vector8 shifted) =>
        new(Vector256.ShiftLeft(shifted._value.AsInt32() + Vector256.Create(127), 23).AsSingle());
}
