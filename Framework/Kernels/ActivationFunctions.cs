using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>The elementwise functions whose derivative follows from their result.</summary>
internal enum ActivationKind
{
    None,
    ReLU,
    Sigmoid,
}

/// <summary>An elementwise function y = f(x) and its backward step dx = dy f'(x), with f' taken from y.</summary>
internal interface IActivationFunction
{
    static abstract TVector Forward<TVector>(TVector x)
        where TVector : struct, IVector<TVector>;

    static abstract TVector Backward<TVector>(TVector y, TVector gradient)
        where TVector : struct, IVector<TVector>;
}

/// <summary>y = x.</summary>
internal readonly struct Identity : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x)
        where TVector : struct, IVector<TVector> => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient)
        where TVector : struct, IVector<TVector> => gradient;
}

/// <summary>y = max(x, 0), and NaN for NaN.</summary>
internal readonly struct Rectifier : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x)
        where TVector : struct, IVector<TVector> => TVector.ZeroUnlessPositive(x, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient)
        where TVector : struct, IVector<TVector> => TVector.ZeroUnlessPositive(y, gradient);
}

/// <summary>y = 1 / (1 + e^-x).</summary>
internal readonly struct Logistic : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x)
        where TVector : struct, IVector<TVector> => Transcendental.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient)
        where TVector : struct, IVector<TVector> => gradient * (y * (TVector.Broadcast(1f) - y));
}
