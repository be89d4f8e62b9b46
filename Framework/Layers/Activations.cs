using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>An elementwise function; shapes stay as they are.</summary>
public abstract record Activation : Layer
{
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
