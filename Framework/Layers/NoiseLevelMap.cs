using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>Appends one channel, everywhere the level of the image's noise: <c>y = concat(x, sigma)</c>.</summary>
/// <remarks>
/// Shapes: x [N, C, H, W], sigma [N], y [N, C + 1, H, W]. Sigma is the standard deviation in the unit of the model's
/// input (25 of 255 is 0.098), wherever in the model the layer is: what noise the sample was given, or what its user
/// says, or else what <see cref="Metrics.NoiseEstimate"/> finds in it. No gradient goes to sigma. Behind
/// <see cref="PixelUnshuffle"/> it is the input of FFDNet. Exact: it copies. Source: Zhang, Zuo, Zhang 2018, "FFDNet:
/// Toward a Fast and Flexible Solution for CNN-Based Image Denoising", section III.
/// </remarks>
public sealed record NoiseLevelMap : Layer
{
    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path) =>
        CheckSize(input, path, input.C + 1, input.H, input.W);

    internal override void CollectParameters(ParameterCollector collector, string path) =>
        collector.TakesNoiseLevel = true;

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ActivationNode output = builder.CreateNode(OutputShape(input.Shape, path), input);
        output.NeedsGradient = input.NeedsGradient;
        builder.Add(new NoiseLevelOperation(input, output));
        return output;
    }
}
