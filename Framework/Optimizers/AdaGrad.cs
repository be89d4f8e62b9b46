using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Optimizers;

/// <summary>AdaGrad, as torch.optim.Adagrad.</summary>
/// <remarks>
/// s = s + g^2; p -= rate / (1 + (t - 1) decay) g / (sqrt(s) + eps) at step t from 1. Source: Duchi, Hazan, Singer
/// 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization".
/// </remarks>
public sealed unsafe class AdaGrad : Optimizer
{
    private readonly double _learningRateDecay;
    private readonly double _epsilon;
    private readonly double _weightDecay;
    private readonly AlignedBuffer _squares;
    private double _steps;
    private AdaGradStep _step;

    /// <summary>Makes the optimizer, with its state at its start.</summary>
    /// <param name="parameterCount">Floats of the flat buffers.</param>
    /// <param name="learningRateDecay">Slows the rate by 1 + (t - 1) decay; at least 0.</param>
    /// <param name="initialAccumulator">Where the sums of squares start; at least 0.</param>
    /// <param name="epsilon">Added to the root of the sum; more than 0.</param>
    /// <param name="weightDecay">Share of the parameters added to the gradient; at least 0.</param>
    /// <exception cref="Errors.ConfigurationException">An argument is out of range.</exception>
    public AdaGrad(
        int parameterCount,
        double learningRateDecay = 0,
        double initialAccumulator = 0,
        double epsilon = 1e-10,
        double weightDecay = 0)
        : base(parameterCount)
    {
        CheckNotNegative("learning rate decay", learningRateDecay);
        CheckNotNegative("initial accumulator", initialAccumulator);
        CheckEpsilon(epsilon);
        CheckNotNegative("weight decay", weightDecay);
        _learningRateDecay = learningRateDecay;
        _epsilon = epsilon;
        _weightDecay = weightDecay;
        _squares = AddSlot("sum");
        _squares.Span.Fill((float)initialAccumulator);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Scalars
    {
        get => new Dictionary<string, double> { ["adagrad_steps"] = _steps };
        set => _steps = value["adagrad_steps"];
    }

    /// <inheritdoc/>
    private protected override void Begin(double learningRate)
    {
        _step = new AdaGradStep(
            (float)(learningRate / (1 + (_steps * _learningRateDecay))), (float)_epsilon, (float)_weightDecay);
        _steps++;
    }

    /// <inheritdoc/>
    private protected override void Update(
        float* old, float* gradientSum, float divisor, float* target, int start, int length) =>
        Kernels.AdaGrad(old, gradientSum, divisor, _squares.Pointer + start, target, length, _step);
}
