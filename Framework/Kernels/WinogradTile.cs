using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>The one-dimensional transforms of Winograd's F(m, 3): every second dimension is the same again.</summary>
/// <remarks>
/// y = A^T [(G g) * (B^T d)] gives m outputs of a correlation of m + 2 inputs d with 3 weights g in m + 2 products.
/// Every transform reads and writes vectors that lie a number of floats apart, and sums in the order written here; only
/// TransformOutput may write over what it reads.
/// Source: Lavin, Gray 2015, "Fast Algorithms for Convolutional Neural Networks".
/// </remarks>
internal unsafe interface IWinogradTile
{
    /// <summary>m: outputs of a tile's side; the tile reads m + 2 inputs.</summary>
    static abstract int Outputs { get; }

    /// <summary>B^T d: m + 2 inputs to m + 2.</summary>
    static abstract void TransformInput<TVector>(float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>;

    /// <summary>A^T p: m + 2 products to m outputs, each stored together with a start, as TStore says.</summary>
    static abstract void TransformOutput<TVector, TStore>(
        float* source, nint sourceStep, float* target, nint targetStep, TVector start)
        where TVector : struct, IVector<TVector>
        where TStore : struct, IOutputStore;

    /// <summary>A e: the gradients of m outputs to those of m + 2 products.</summary>
    static abstract void TransformOutputGradient<TVector>(
        float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>;

    /// <summary>G g: 3 weights to m + 2.</summary>
    static abstract void TransformWeight<TVector>(float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>;

    /// <summary>G^T u: the gradients of m + 2 transformed weights to those of 3 weights.</summary>
    static abstract void TransformWeightGradient<TVector>(
        float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>;
}

/// <summary>F(4, 3), with the points 0, 1, -1, 2, -2 and infinity: 4 times fewer products in the plane.</summary>
internal readonly unsafe struct WinogradTile4 : IWinogradTile
{
    public static int Outputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformInput<TVector>(float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>
    {
        // In an order that lets each sum end in a register that is free: instructions are what this costs.
        TVector minus4 = TVector.Broadcast(-4f);
        TVector two = TVector.Broadcast(2f);
        TVector minus2 = TVector.Broadcast(-2f);
        TVector d2 = TVector.Load(source + (2 * sourceStep));
        TVector d4 = TVector.Load(source + (4 * sourceStep));
        TVector difference24 = d4 - d2;
        TVector even = TVector.MultiplyAdd(minus4, d2, d4);

        // 4 d0 - 5 d2 + d4 = -4 (d2 - d0) + (d4 - d2), and likewise with the odd ones.
        TVector first = TVector.MultiplyAdd(minus4, d2 - TVector.Load(source), difference24);
        TVector.Store(target, first);
        TVector d1 = TVector.Load(source + sourceStep);
        TVector d3 = TVector.Load(source + (3 * sourceStep));
        TVector difference13 = d3 - d1;
        TVector last = TVector.Load(source + (5 * sourceStep)) - d3;
        TVector odd = TVector.MultiplyAdd(minus4, d1, d3);
        TVector.Accumulate(ref last, minus4, difference13);
        TVector.Store(target + (5 * targetStep), last);
        TVector.Store(target + targetStep, even + odd);
        TVector.Store(target + (2 * targetStep), even - odd);
        TVector.Store(target + (3 * targetStep), TVector.MultiplyAdd(two, difference13, difference24));
        TVector.Store(target + (4 * targetStep), TVector.MultiplyAdd(minus2, difference13, difference24));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformOutput<TVector, TStore>(
        float* source, nint sourceStep, float* target, nint targetStep, TVector start)
        where TVector : struct, IVector<TVector>
        where TStore : struct, IOutputStore
    {
        TVector p1 = TVector.Load(source + sourceStep);
        TVector p2 = TVector.Load(source + (2 * sourceStep));
        TVector p3 = TVector.Load(source + (3 * sourceStep));
        TVector p4 = TVector.Load(source + (4 * sourceStep));
        TVector sum12 = p1 + p2;
        TVector difference12 = p1 - p2;
        TVector sum34 = p3 + p4;
        TVector difference34 = p3 - p4;
        TVector first = (TVector.Load(source) + sum12) + sum34;
        TVector second = TVector.MultiplyAdd(TVector.Broadcast(2f), difference34, difference12);
        TVector third = TVector.MultiplyAdd(TVector.Broadcast(4f), sum34, sum12);
        TVector last = difference12 + TVector.Load(source + (5 * sourceStep));
        TStore.Store(target, first, start);
        TStore.Store(target + targetStep, second, start);
        TStore.Store(target + (2 * targetStep), third, start);
        TStore.Store(
            target + (3 * targetStep), TVector.MultiplyAdd(TVector.Broadcast(8f), difference34, last), start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformOutputGradient<TVector>(
        float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>
    {
        TVector four = TVector.Broadcast(4f);
        TVector e0 = TVector.Load(source);
        TVector e1 = TVector.Load(source + sourceStep);
        TVector e2 = TVector.Load(source + (2 * sourceStep));
        TVector e3 = TVector.Load(source + (3 * sourceStep));
        TVector even = e0 + e2;
        TVector odd = e1 + e3;
        TVector evenOf2 = TVector.MultiplyAdd(four, e2, e0);
        TVector oddOf2 = TVector.MultiplyAdd(four, e3, e1);
        oddOf2 += oddOf2;
        TVector.Store(target, e0);
        TVector.Store(target + targetStep, even + odd);
        TVector.Store(target + (2 * targetStep), even - odd);
        TVector.Store(target + (3 * targetStep), evenOf2 + oddOf2);
        TVector.Store(target + (4 * targetStep), evenOf2 - oddOf2);
        TVector.Store(target + (5 * targetStep), e3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformWeight<TVector>(float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>
    {
        TVector sixth = TVector.Broadcast(1f / 6);
        TVector g0 = TVector.Load(source);
        TVector g1 = TVector.Load(source + sourceStep);
        TVector g2 = TVector.Load(source + (2 * sourceStep));
        TVector even = (g0 + g2) * sixth;
        TVector odd = g1 * sixth;
        TVector evenOf2 = TVector.MultiplyAdd(TVector.Broadcast(0.25f), g0, g2) * sixth;
        TVector oddOf2 = TVector.Broadcast(0.5f) * odd;
        TVector.Store(target, TVector.Broadcast(0.25f) * g0);
        TVector.Store(target + targetStep, default(TVector) - (even + odd));
        TVector.Store(target + (2 * targetStep), odd - even);
        TVector.Store(target + (3 * targetStep), evenOf2 + oddOf2);
        TVector.Store(target + (4 * targetStep), evenOf2 - oddOf2);
        TVector.Store(target + (5 * targetStep), g2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformWeightGradient<TVector>(
        float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>
    {
        TVector sixth = TVector.Broadcast(1f / 6);
        TVector quarter = TVector.Broadcast(0.25f);
        TVector u1 = TVector.Load(source + sourceStep);
        TVector u2 = TVector.Load(source + (2 * sourceStep));
        TVector u3 = TVector.Load(source + (3 * sourceStep));
        TVector u4 = TVector.Load(source + (4 * sourceStep));
        TVector sum12 = u1 + u2;
        TVector sum34 = u3 + u4;
        TVector first = ((quarter * sum34) - sum12) * sixth;
        TVector middle = TVector.MultiplyAdd(TVector.Broadcast(0.5f), u3 - u4, u2 - u1) * sixth;
        TVector last = (sum34 - sum12) * sixth;
        TVector.Store(target, TVector.MultiplyAdd(quarter, TVector.Load(source), first));
        TVector.Store(target + targetStep, middle);
        TVector.Store(target + (2 * targetStep), last + TVector.Load(source + (5 * sourceStep)));
    }
}

/// <summary>F(2, 3), with the points 0, 1, -1 and infinity: fewer roundings, 2.25 times fewer products.</summary>
internal readonly unsafe struct WinogradTile2 : IWinogradTile
{
    public static int Outputs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformInput<TVector>(float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>
    {
        TVector d1 = TVector.Load(source + sourceStep);
        TVector d2 = TVector.Load(source + (2 * sourceStep));
        TVector first = TVector.Load(source) - d2;
        TVector last = TVector.Load(source + (3 * sourceStep)) - d1;
        TVector.Store(target, first);
        TVector.Store(target + targetStep, d1 + d2);
        TVector.Store(target + (2 * targetStep), d2 - d1);
        TVector.Store(target + (3 * targetStep), last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformOutput<TVector, TStore>(
        float* source, nint sourceStep, float* target, nint targetStep, TVector start)
        where TVector : struct, IVector<TVector>
        where TStore : struct, IOutputStore
    {
        TVector p1 = TVector.Load(source + sourceStep);
        TVector p2 = TVector.Load(source + (2 * sourceStep));
        TVector first = TVector.Load(source) + (p1 + p2);
        TVector last = (p1 - p2) + TVector.Load(source + (3 * sourceStep));
        TStore.Store(target, first, start);
        TStore.Store(target + targetStep, last, start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformOutputGradient<TVector>(
        float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>
    {
        TVector e0 = TVector.Load(source);
        TVector e1 = TVector.Load(source + sourceStep);
        TVector.Store(target, e0);
        TVector.Store(target + targetStep, e0 + e1);
        TVector.Store(target + (2 * targetStep), e0 - e1);
        TVector.Store(target + (3 * targetStep), e1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformWeight<TVector>(float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>
    {
        TVector half = TVector.Broadcast(0.5f);
        TVector g0 = TVector.Load(source);
        TVector g1 = TVector.Load(source + sourceStep);
        TVector g2 = TVector.Load(source + (2 * sourceStep));
        TVector even = (g0 + g2) * half;
        TVector odd = g1 * half;
        TVector.Store(target, g0);
        TVector.Store(target + targetStep, even + odd);
        TVector.Store(target + (2 * targetStep), even - odd);
        TVector.Store(target + (3 * targetStep), g2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransformWeightGradient<TVector>(
        float* source, nint sourceStep, float* target, nint targetStep)
        where TVector : struct, IVector<TVector>
    {
        TVector half = TVector.Broadcast(0.5f);
        TVector u1 = TVector.Load(source + sourceStep);
        TVector u2 = TVector.Load(source + (2 * sourceStep));
        TVector sum = (u1 + u2) * half;
        TVector.Store(target, TVector.Load(source) + sum);
        TVector.Store(target + targetStep, (u1 - u2) * half);
        TVector.Store(target + (2 * targetStep), sum + TVector.Load(source + (3 * sourceStep)));
    }
}
