using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Framework.Kernels;

/// <summary>Four floats: 16 registers of 128 bits (SSE, Arm).</summary>
internal unsafe struct Vector4(Vector128<float> value) : IVector<Vector4>
{
    // Not readonly: Accumulate must assign to the field itself, or the compiler moves every sum.
    private Vector128<float> _value = value;

    public static int Lanes => 4;

    public static int TileRows => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector4 value) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 Broadcast(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 MultiplyAdd(Vector4 a, Vector4 b, Vector4 c) =>
        new(Vector128.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(ref Vector4 sum, Vector4 a, Vector4 b) =>
        sum._value = Vector128.FusedMultiplyAdd(a._value, b._value, sum._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 operator +(Vector4 a, Vector4 b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 operator -(Vector4 a, Vector4 b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 operator *(Vector4 a, Vector4 b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 operator /(Vector4 a, Vector4 b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 Sqrt(Vector4 value) => new(Vector128.Sqrt(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 ZeroUnlessPositive(Vector4 gate, Vector4 value) =>
        new(Vector128.AndNot(value._value, Vector128.LessThanOrEqual(gate._value, Vector128<float>.Zero)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 GreaterThan(Vector4 a, Vector4 b) => new(Vector128.GreaterThan(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 Equal(Vector4 a, Vector4 b) => new(Vector128.Equals(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 Select(Vector4 mask, Vector4 a, Vector4 b) =>
        new(Vector128.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 Clamp(Vector4 value, Vector4 low, Vector4 high)
    {
        Vector128<float> raised = Vector128.ConditionalSelect(
            Vector128.LessThan(value._value, low._value), low._value, value._value);
        return new(Vector128.ConditionalSelect(Vector128.GreaterThan(raised, high._value), high._value, raised));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector4 PowerOfTwo(Vector4 shifted) =>
        new(Vector128.ShiftLeft(shifted._value.AsInt32() + Vector128.Create(127), 23).AsSingle());
}
