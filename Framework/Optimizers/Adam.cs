using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Optimizers;

/// <summary>Adam with bias correction, as torch.optim.Adam.</summary>
/// <remarks>
/// beta^t is kept by repeated multiplication in float64 and goes into checkpoints: a power function would differ
/// between machines. Source: Kingma, Ba 2015, "Adam: A Method for Stochastic Optimization".
/// </remarks>
public sealed unsafe class Adam : Optimizer
{
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private readonly double _weightDecay;
    private readonly AlignedBuffer _mean;
    private readonly AlignedBuffer _square;
    private double _power1 = 1;
    private double _power2 = 1;

    /// <summary>Makes the optimizer, with its state at zero.</summary>
    /// <param name="parameterCount">Floats of the flat buffers.</param>
    /// <param name="beta1">Decay of the gradient's mean, within [0, 1).</param>
    /// <param name="beta2">Decay of the gradient's square, within [0, 1).</param>
    /// <param name="epsilon">Added to the root of the square; more than 0.</param>
    /// <param name="weightDecay">Share of the parameters added to the gradient; at least 0.</param>
    public Adam(
        int parameterCount, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
        : base(parameterCount)
    {
        _beta1 = beta1;
        _beta2 = beta2;
        _epsilon = epsilon;
        _weightDecay = weightDecay;
        _mean = AddSlot("exp_avg");
        _square = AddSlot("exp_avg_sq");
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Scalars
    {
        get => new Dictionary<string, double> { ["beta1_power"] = _power1, ["beta2_power"] = _power2 };
        set => (_power1, _power2) = (value["beta1_power"], value["beta2_power"]);
    }

    /// <inheritdoc/>
    public override void Step(
        AlignedBuffer old, AlignedBuffer gradientSum, double terms, double learningRate, AlignedBuffer target)
    {
        CheckLengths(old, gradientSum, target);
        _power1 *= _beta1;
        _power2 *= _beta2;
        AdamStep step = new(
            (float)(learningRate / (1 - _power1)),
            (float)_beta1,
            (float)(1 - _beta1),
            (float)_beta2,
            (float)(1 - _beta2),
            (float)_epsilon,
            (float)_weightDecay,
            (float)Math.Sqrt(1 - _power2));
        Kernels.Adam(
            old.Pointer,
            gradientSum.Pointer,
            (float)terms,
            _mean.Pointer,
            _square.Pointer,
            target.Pointer,
            ParameterCount,
            step);
        KeepAlive(old, gradientSum, target);
    }
}
