using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>In training, sets each element to 0 with probability p and multiplies the others by 1 / (1 - p).</summary>
/// <remarks>
/// Shapes stay as they are. Which elements is a function of seed, step, sample, layer and element: the same on every
/// machine. Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, "Dropout".
/// </remarks>
public sealed record Dropout : Layer
{
    private const double PMax = 0.999;

    /// <summary>Makes the layer.</summary>
    /// <param name="p">Probability of a zero, within [0, 1).</param>
    /// <exception cref="Errors.ConfigurationException">The probability is out of range.</exception>
    public Dropout(double p = 0.5)
    {
        P = p;
        Check("p", p, p is >= 0 and <= PMax, "0 to 0.999");
    }

    /// <summary>Probability of a zero.</summary>
    public double P { get; }

    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path) => input;

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ActivationNode output = builder.CreateNodeLike(input);
        builder.Add(new DropoutOperation(input, output, P, builder.NextRandomLayer()));
        return output;
    }
}
