using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>An elementwise function; shapes stay as they are.</summary>
public abstract record Activation : Layer
{
    /// <summary>Largest slope or alpha: beyond all use, yet nothing overflows.</summary>
    private protected const double ParameterMax = 1e6;

    internal abstract ActivationKind Kind { get; }

    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path) => input;

    internal override void CollectParameters(ParameterCollector collector, string path) => collector.Follow(this);

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path) =>
        builder.Activate(input, Kind);
}

/// <summary>Rectified linear unit: <c>y = max(x, 0)</c>; NaN stays NaN. The gradient at 0 is 0.</summary>
public sealed record ReLU : Activation
{
    internal override ActivationKind Kind => ActivationKind.ReLU;
}

/// <summary>Logistic function: <c>y = 1 / (1 + e^-x)</c>.</summary>
public sealed record Sigmoid : Activation
{
    internal override ActivationKind Kind => ActivationKind.Sigmoid;
}

/// <summary>Hyperbolic tangent.</summary>
public sealed record Tanh : Activation
{
    internal override ActivationKind Kind => ActivationKind.Tanh;
}

/// <summary><c>y = x</c> where x is positive, else <c>slope x</c>; the gradient at 0 is the slope.</summary>
public sealed record LeakyReLU : Activation
{
    /// <summary>Makes the function.</summary>
    /// <param name="negativeSlope">Slope below 0; at least 0. PyTorch's default is 0.01.</param>
    /// <exception cref="Errors.ConfigurationException">The slope is negative or not finite.</exception>
    public LeakyReLU(double negativeSlope = 0.01)
    {
        NegativeSlope = negativeSlope;
        Check("negative_slope", negativeSlope, negativeSlope is >= 0 and <= ParameterMax, "0 to 1e6");
    }

    /// <summary>Slope below 0.</summary>
    public double NegativeSlope { get; }

    internal override ActivationKind Kind => ActivationKind.LeakyReLU((float)NegativeSlope);
}

/// <summary><c>y = x</c> where x is positive, else <c>alpha (e^x - 1)</c>.</summary>
/// <remarks>Source: Clevert, Unterthiner, Hochreiter 2015, "Exponential Linear Units".</remarks>
public sealed record ELU : Activation
{
    /// <summary>Makes the function.</summary>
    /// <param name="alpha">Minus the limit for negative x; at least 0. PyTorch's default is 1.</param>
    /// <exception cref="Errors.ConfigurationException">Alpha is negative or not finite.</exception>
    public ELU(double alpha = 1)
    {
        Alpha = alpha;
        Check("alpha", alpha, alpha is >= 0 and <= ParameterMax, "0 to 1e6");
    }

    /// <summary>Minus the limit for negative x.</summary>
    public double Alpha { get; }

    internal override ActivationKind Kind => ActivationKind.ELU((float)Alpha);
}

/// <summary><c>y = scale x</c> where x is positive, else <c>scale alpha (e^x - 1)</c>, with fixed constants.</summary>
/// <remarks>scale = 1.0507009873554805, alpha = 1.6732632423543772.</remarks>
public sealed record SELU : Activation
{
    internal override ActivationKind Kind => ActivationKind.SELU;
}
