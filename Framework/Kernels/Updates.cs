using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>The numbers of one SGD step.</summary>
internal readonly record struct SgdStep(float LearningRate, float Momentum, bool Nesterov, float WeightDecay);

/// <summary>The numbers of one Adam step; rests are 1 - beta, corrections 1 - beta^t.</summary>
/// <remarks>
/// The rests are rounded from float64: 1 - 0.999f is 1.3e-5 off, 0.001f only 5e-8. Correction2 is the root of the
/// correction, or the correction itself if epsilon is inside the root. Kept is the share of the parameters that AdamW
/// keeps, 1 without.
/// </remarks>
internal readonly record struct AdamStep(
    float StepSize,
    float Beta1,
    float Rest1,
    float Beta2,
    float Rest2,
    float Epsilon,
    float WeightDecay,
    float Correction2,
    float Kept = 1,
    bool EpsilonInsideRoot = false);

/// <summary>The numbers of one AdaGrad step.</summary>
internal readonly record struct AdaGradStep(float LearningRate, float Epsilon, float WeightDecay);

/// <summary>Optimizer steps over flat buffers, whose lengths count rounded up to 16.</summary>
/// <remarks>
/// The gradient is the sum over the batch; it is divided once, here, by the count. Old parameters are read and new
/// ones written, so that a worker that still reads the old ones sees them whole. Averages of gradients that decay below
/// 2^-126 become zero: where a gradient is zero for hundreds of steps they would stay subnormal for ever, and with
/// subnormal numbers processors compute several times more slowly.
/// </remarks>
internal static unsafe class Updates<TVector>
    where TVector : struct, IVector<TVector>
{
    /// <summary>
    /// v = momentum v + g; p -= lr v, or lr (g + momentum v) with Nesterov; g includes the weight decay.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sgd(
        float* old, float* sum, float count, float* velocity, float* target, int length, in SgdStep step)
    {
        TVector divisor = TVector.Broadcast(count);
        TVector decay = TVector.Broadcast(step.WeightDecay);
        TVector momentum = TVector.Broadcast(step.Momentum);
        TVector minusRate = TVector.Broadcast(-step.LearningRate);
        for (int i = 0; i < length; i += TVector.Lanes)
        {
            TVector parameter = TVector.Load(old + i);
            TVector gradient = TVector.Load(sum + i) / divisor;
            if (step.WeightDecay != 0)
            {
                gradient = TVector.MultiplyAdd(decay, parameter, gradient);
            }

            if (velocity != null)
            {
                TVector kept = Normal(TVector.MultiplyAdd(momentum, TVector.Load(velocity + i), gradient));
                TVector.Store(velocity + i, kept);
                gradient = step.Nesterov ? TVector.MultiplyAdd(momentum, kept, gradient) : kept;
            }

            TVector.Store(target + i, TVector.MultiplyAdd(minusRate, gradient, parameter));
        }
    }

    /// <summary>
    /// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g g; p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps), or
    /// over sqrt(v / (1 - b2^t) + eps); before that p is multiplied by what AdamW keeps.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Adam(
        float* old, float* sum, float count, float* mean, float* square, float* target, int length, in AdamStep step)
    {
        TVector divisor = TVector.Broadcast(count);
        TVector decay = TVector.Broadcast(step.WeightDecay);
        TVector beta1 = TVector.Broadcast(step.Beta1);
        TVector rest1 = TVector.Broadcast(step.Rest1);
        TVector beta2 = TVector.Broadcast(step.Beta2);
        TVector rest2 = TVector.Broadcast(step.Rest2);
        TVector correction2 = TVector.Broadcast(step.Correction2);
        TVector kept = TVector.Broadcast(step.Kept);
        TVector epsilon = TVector.Broadcast(step.Epsilon);
        TVector stepSize = TVector.Broadcast(step.StepSize);
        for (int i = 0; i < length; i += TVector.Lanes)
        {
            TVector parameter = TVector.Load(old + i);
            TVector gradient = TVector.Load(sum + i) / divisor;
            if (step.WeightDecay != 0)
            {
                gradient = TVector.MultiplyAdd(decay, parameter, gradient);
            }

            TVector m = Normal(TVector.MultiplyAdd(rest1, gradient, beta1 * TVector.Load(mean + i)));
            TVector v = Normal(TVector.MultiplyAdd(rest2 * gradient, gradient, beta2 * TVector.Load(square + i)));
            TVector.Store(mean + i, m);
            TVector.Store(square + i, v);
            TVector denominator = step.EpsilonInsideRoot
                ? TVector.Sqrt((v / correction2) + epsilon)
                : (TVector.Sqrt(v) / correction2) + epsilon;
            if (step.Kept != 1)
            {
                parameter *= kept;
            }

            TVector.Store(target + i, parameter - (stepSize * (m / denominator)));
        }
    }

    /// <summary>s += g g; p -= lr g / (sqrt(s) + eps); g includes the weight decay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AdaGrad(
        float* old, float* sum, float count, float* squares, float* target, int length, in AdaGradStep step)
    {
        TVector divisor = TVector.Broadcast(count);
        TVector decay = TVector.Broadcast(step.WeightDecay);
        TVector epsilon = TVector.Broadcast(step.Epsilon);
        TVector rate = TVector.Broadcast(step.LearningRate);
        for (int i = 0; i < length; i += TVector.Lanes)
        {
            TVector parameter = TVector.Load(old + i);
            TVector gradient = TVector.Load(sum + i) / divisor;
            if (step.WeightDecay != 0)
            {
                gradient = TVector.MultiplyAdd(decay, parameter, gradient);
            }

            TVector total = TVector.MultiplyAdd(gradient, gradient, TVector.Load(squares + i));
            TVector.Store(squares + i, total);
            TVector.Store(target + i, parameter - (rate * (gradient / (TVector.Sqrt(total) + epsilon))));
        }
    }

    /// <summary>0 where a value is subnormal, else the value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Normal(TVector value)
    {
        const float least = 1.17549435e-38f;
        TVector zeroIfBelow = TVector.Select(TVector.GreaterThan(TVector.Broadcast(least), value), default, value);
        return TVector.Select(TVector.GreaterThan(value, TVector.Broadcast(-least)), zeroIfBelow, value);
    }

    /// <summary>average += share (values - average), the product rounded with the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Average(float* values, float* average, int length, float share)
    {
        TVector weight = TVector.Broadcast(share);
        for (int i = 0; i < length; i += TVector.Lanes)
        {
            TVector before = TVector.Load(average + i);
            TVector.Store(average + i, TVector.MultiplyAdd(weight, TVector.Load(values + i) - before, before));
        }
    }
}
