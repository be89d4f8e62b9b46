using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Optimizers;

/// <summary>In what an optimizer differs from Adam.</summary>
[Flags]
public enum AdamForm
{
    /// <summary>In nothing.</summary>
    Standard = 0,

    /// <summary>AdamW: weight decay shrinks the parameters by rate times decay, apart from the gradient.</summary>
    DecoupledDecay = 1,

    /// <summary>Epsilon is added to the corrected square before the root is taken.</summary>
    EpsilonInsideRoot = 2,
}

/// <summary>Adam with bias correction, as torch.optim.Adam and torch.optim.AdamW.</summary>
/// <remarks>
/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2; p -= rate m' / (sqrt(v') + eps), or rate m' / sqrt(v' + eps), with
/// m' = m / (1 - b1^t) and v' = v / (1 - b2^t). beta^t is kept by repeated multiplication in float64 and goes into
/// checkpoints: a power function would differ between machines. Sources: Kingma, Ba 2015, "Adam: A Method for
/// Stochastic Optimization"; Loshchilov, Hutter 2019, "Decoupled Weight Decay Regularization".
/// </remarks>
public sealed unsafe class Adam : Optimizer
{
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private readonly double _weightDecay;
    private readonly AdamForm _form;
    private readonly AlignedBuffer _mean;
    private readonly AlignedBuffer _square;
    private double _power1 = 1;
    private double _power2 = 1;
    private AdamStep _step;

    /// <summary>Makes the optimizer, with its state at zero.</summary>
    /// <param name="parameterCount">Floats of the flat buffers.</param>
    /// <param name="beta1">Decay of the gradient's mean, within [0, 1).</param>
    /// <param name="beta2">Decay of the gradient's square, within [0, 1).</param>
    /// <param name="epsilon">Added to the root of the square; more than 0.</param>
    /// <param name="weightDecay">Share of the parameters added to the gradient; at least 0.</param>
    /// <param name="form">In what it differs from Adam.</param>
    /// <exception cref="Errors.ConfigurationException">An argument is out of range.</exception>
    public Adam(
        int parameterCount,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double epsilon = 1e-8,
        double weightDecay = 0,
        AdamForm form = AdamForm.Standard)
        : base(parameterCount)
    {
        CheckShare("beta1", beta1);
        CheckShare("beta2", beta2);
        CheckEpsilon(epsilon);
        CheckNotNegative("weight decay", weightDecay);
        _beta1 = beta1;
        _beta2 = beta2;
        _epsilon = epsilon;
        _weightDecay = weightDecay;
        _form = form;
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
    private protected override void Begin(double learningRate)
    {
        _power1 *= _beta1;
        _power2 *= _beta2;
        bool isDecoupled = _form.HasFlag(AdamForm.DecoupledDecay);
        bool isInside = _form.HasFlag(AdamForm.EpsilonInsideRoot);
        _step = new AdamStep(
            (float)(learningRate / (1 - _power1)),
            (float)_beta1,
            (float)(1 - _beta1),
            (float)_beta2,
            (float)(1 - _beta2),
            (float)_epsilon,
            isDecoupled ? 0 : (float)_weightDecay,
            (float)(isInside ? 1 - _power2 : Math.Sqrt(1 - _power2)),
            isDecoupled ? (float)(1 - (learningRate * _weightDecay)) : 1,
            isInside);
    }

    /// <inheritdoc/>
    private protected override void Update(
        float* old, float* gradientSum, float divisor, float* target, int start, int length) =>
        Kernels.Adam(
            old, gradientSum, divisor, _mean.Pointer + start, _square.Pointer + start, target, length, _step);
}
