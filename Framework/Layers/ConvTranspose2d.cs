using Distributed.Framework.Execution;
using Distributed.Framework.Models;

namespace Distributed.Framework.Layers;

/// <summary>
/// Transposed convolution: adds <c>W[c, o, ky, kx] x[c, i, j]</c> to <c>y[o, i S - P + ky, j S - P + kx]</c>, from
/// b[o].
/// </summary>
/// <remarks>
/// Shapes: x [N, In, H, W], W [In, Out, K, K], b [Out], y [N, Out, OutH, OutW], OutH = (H - 1) S - 2 P + K + output
/// padding. Cost: 2 N H W In Out K K floating-point operations forward, twice that backward.
/// Initial values: U(-k, k) with k = 1 / sqrt(Out K K): PyTorch takes the weight's second dimension for its fan-in.
/// </remarks>
public sealed record ConvTranspose2d : ConvolutionLayer
{
    /// <summary>Makes a transposed convolution.</summary>
    /// <param name="in">Input channels.</param>
    /// <param name="out">Output channels.</param>
    /// <param name="k">Side of the kernel, in pixels.</param>
    /// <param name="stride">Distance between the places where neighbouring inputs go, in pixels.</param>
    /// <param name="padding">Pixels cut off on every side.</param>
    /// <param name="outputPadding">Pixels added at the bottom and the right; less than the stride.</param>
    /// <param name="bias">Whether a constant is learned for each output channel.</param>
    /// <exception cref="Errors.ConfigurationException">An argument is out of range.</exception>
    public ConvTranspose2d(
        int @in, int @out, int k, int stride = 1, int padding = 0, int outputPadding = 0, bool bias = true)
        : base(@in, @out, k, stride, bias)
    {
        Padding = padding;
        OutputPadding = outputPadding;
        CheckArguments(padding);
        Check("output_padding", outputPadding, 0, stride - 1);
    }

    /// <summary>Pixels cut off on every side.</summary>
    public int Padding { get; }

    /// <summary>Pixels added at the bottom and the right.</summary>
    public int OutputPadding { get; }

    private protected override ConvolutionGeometry Geometry => new(K, Stride, Padding, Transposed: true);

    private protected override long OutputSide(int inputSide) =>
        ((inputSide - 1L) * Stride) - (2L * Padding) + K + OutputPadding;

    internal override void CollectParameters(ParameterCollector collector, string path) =>
        Collect(collector, path, In, Out);
}
