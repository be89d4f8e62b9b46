using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>Fully connected layer: <c>y[o] = b[o] + sum over i of W[o, i] x[i]</c>.</summary>
/// <remarks>
/// Shapes: x [N, In, 1, 1], W [Out, In], b [Out], y [N, Out, 1, 1]. Cost: 2 N In Out floating-point operations forward,
/// twice that backward. Initial values: U(-k, k) with k = 1 / sqrt(In), as PyTorch's nn.Linear.
/// </remarks>
public sealed record Linear : Layer
{
    /// <summary>Makes a fully connected layer.</summary>
    /// <param name="in">Input features.</param>
    /// <param name="out">Output features.</param>
    /// <param name="bias">Whether a constant is learned for each output.</param>
    /// <exception cref="ConfigurationException">An argument is out of range.</exception>
    public Linear(int @in, int @out, bool bias = true)
    {
        In = @in;
        Out = @out;
        Bias = bias;
        Check("in_features", @in, 1, ChannelsMax);
        Check("out_features", @out, 1, ChannelsMax);
    }

    /// <summary>Input features.</summary>
    public int In { get; }

    /// <summary>Output features.</summary>
    public int Out { get; }

    /// <summary>Whether a constant is learned for each output.</summary>
    public bool Bias { get; }

    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path) =>
        input == new ImageShape(In, 1, 1)
            ? new ImageShape(Out, 1, 1)
            : throw new ShapeException(
                $"{path} (Linear): expected input [N, {In}, 1, 1], got {input}.",
                input.H == 1 && input.W == 1
                    ? "Give the layer as many input features as the one before it has outputs."
                    : "Put a Flatten before it.");

    internal override void CollectParameters(ParameterCollector collector, string path)
    {
        collector.Add(path, "weight", In, Out, In);
        if (Bias)
        {
            collector.Add(path, "bias", In, Out);
        }
    }

    internal override PixelSpan? Reads(PixelSpan output) => null;

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ActivationNode output = builder.CreateNode(OutputShape(input.Shape, path), input);
        int bias = Bias ? builder.ParameterStart($"{path}.bias") : -1;
        builder.Add(new LinearOperation(input, output, builder.ParameterStart($"{path}.weight"), bias));
        return output;
    }
}
