namespace Distributed.Framework.Kernels;

/// <summary>A hardware vector of floats, so that each kernel is written once for every register width.</summary>
/// <remarks>
/// A kernel that is generic over a struct of this kind compiles to the same code as one written for that width.
/// Every operation rounds once and lane by lane, so results do not depend on the width.
/// </remarks>
internal unsafe interface IVector<TSelf>
    where TSelf : struct, IVector<TSelf>
{
    /// <summary>Floats in a vector: 4, 8 or 16; divides the channel group of 16.</summary>
    static abstract int Lanes { get; }

    /// <summary>The highest register tile of two columns, in rows, that leaves no accumulator in memory.</summary>
    static abstract int TileRows { get; }

    static abstract TSelf Load(float* source);

    static abstract void Store(float* target, TSelf value);

    static abstract TSelf Broadcast(float value);

    /// <summary>a * b + c, rounded once.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>sum = a * b + sum, rounded once: for the compiler, which then leaves the sum in its register.</summary>
    static abstract void Accumulate(ref TSelf sum, TSelf a, TSelf b);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, TSelf b);

    static abstract TSelf operator /(TSelf a, TSelf b);

    static abstract TSelf Sqrt(TSelf value);

    /// <summary>0 where gate is at most 0, else value; a NaN gate passes the value.</summary>
    static abstract TSelf ZeroUnlessPositive(TSelf gate, TSelf value);

    /// <summary>A mask: all bits of a lane where a is greater than b, none elsewhere and for NaN.</summary>
    static abstract TSelf GreaterThan(TSelf a, TSelf b);

    /// <summary>A mask: all bits of a lane where a equals b, none elsewhere and for NaN.</summary>
    static abstract TSelf Equal(TSelf a, TSelf b);

    /// <summary>a where the mask's bits are set, b elsewhere.</summary>
    static abstract TSelf Select(TSelf mask, TSelf a, TSelf b);

    /// <summary>value limited to [low, high]; NaN stays NaN.</summary>
    static abstract TSelf Clamp(TSelf value, TSelf low, TSelf high);

    /// <summary>2^n for integral n from -126 to 127, given as n + 1.5 * 2^23 (the sum of a rounding trick).</summary>
    static abstract TSelf PowerOfTwo(TSelf shifted);
}
