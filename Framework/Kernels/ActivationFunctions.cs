using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>An elementwise function y = f(x) and its backward step dx = dy f'(x), with f' taken from y.</summary>
/// <remarks>Each takes its parameter, broadcast to a vector; functions without one ignore it.</remarks>
internal interface IActivationFunction
{
    static abstract TVector Forward<TVector>(TVector x, TVector parameter)
        where TVector : struct, IVector<TVector>;

    static abstract TVector Backward<TVector>(TVector y, TVector gradient, TVector parameter)
        where TVector : struct, IVector<TVector>;
}

/// <summary>y = x.</summary>
internal readonly struct Identity : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x, TVector parameter)
        where TVector : struct, IVector<TVector> => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient, TVector parameter)
        where TVector : struct, IVector<TVector> => gradient;
}

/// <summary>y = max(x, 0), and NaN for NaN.</summary>
internal readonly struct Rectifier : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x, TVector parameter)
        where TVector : struct, IVector<TVector> => TVector.ZeroUnlessPositive(x, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient, TVector parameter)
        where TVector : struct, IVector<TVector> => TVector.ZeroUnlessPositive(y, gradient);
}

/// <summary>y = 1 / (1 + e^-x).</summary>
internal readonly struct Logistic : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x, TVector parameter)
        where TVector : struct, IVector<TVector> => Transcendental.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient, TVector parameter)
        where TVector : struct, IVector<TVector> => gradient * (y * (TVector.Broadcast(1f) - y));
}

/// <summary>y = tanh x.</summary>
internal readonly struct HyperbolicTangent : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x, TVector parameter)
        where TVector : struct, IVector<TVector> => Transcendental.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient, TVector parameter)
        where TVector : struct, IVector<TVector>
    {
        TVector minus = TVector.Broadcast(0f) - y;
        return gradient * TVector.MultiplyAdd(minus, y, TVector.Broadcast(1f));
    }
}

/// <summary>y = x where positive, else slope x; the slope is at least 0, so that y has the sign of x.</summary>
internal readonly struct LeakyRectifier : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x, TVector parameter)
        where TVector : struct, IVector<TVector> =>
        TVector.Select(TVector.GreaterThan(x, TVector.Broadcast(0f)), x, x * parameter);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient, TVector parameter)
        where TVector : struct, IVector<TVector> =>
        TVector.Select(TVector.GreaterThan(y, TVector.Broadcast(0f)), gradient, gradient * parameter);
}

/// <summary>y = x where positive, else alpha (e^x - 1), whose slope is y + alpha; alpha is at least 0.</summary>
internal readonly struct ExponentialUnit : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x, TVector parameter)
        where TVector : struct, IVector<TVector> =>
        TVector.Select(
            TVector.GreaterThan(x, TVector.Broadcast(0f)), x, parameter * Transcendental.ExpMinusOne(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient, TVector parameter)
        where TVector : struct, IVector<TVector> =>
        TVector.Select(TVector.GreaterThan(y, TVector.Broadcast(0f)), gradient, gradient * (y + parameter));
}

/// <summary>y = scale x where positive, else scale alpha (e^x - 1).</summary>
/// <remarks>Source: Klambauer, Unterthiner, Mayr, Hochreiter 2017, "Self-Normalizing Neural Networks".</remarks>
internal readonly struct ScaledExponentialUnit : IActivationFunction
{
    private const float Scale = 1.0507009873554804934193349852946f;
    private const float ScaledAlpha = (float)(1.0507009873554804934193349852946 * 1.6732632423543772848170429916717);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Forward<TVector>(TVector x, TVector parameter)
        where TVector : struct, IVector<TVector> =>
        TVector.Select(
            TVector.GreaterThan(x, TVector.Broadcast(0f)),
            x * TVector.Broadcast(Scale),
            TVector.Broadcast(ScaledAlpha) * Transcendental.ExpMinusOne(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Backward<TVector>(TVector y, TVector gradient, TVector parameter)
        where TVector : struct, IVector<TVector> =>
        TVector.Select(
            TVector.GreaterThan(y, TVector.Broadcast(0f)),
            gradient * TVector.Broadcast(Scale),
            gradient * (y + TVector.Broadcast(ScaledAlpha)));
}
