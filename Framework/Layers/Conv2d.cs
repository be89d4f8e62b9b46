using Distributed.Framework.Execution;
using Distributed.Framework.Models;

namespace Distributed.Framework.Layers;

/// <summary>
/// Convolution: <c>y[o, i, j] = b[o] + sum over c, ky, kx of W[o, c, ky, kx] x[c, i S - P + ky, j S - P + kx]</c>.
/// </summary>
/// <remarks>
/// Shapes: x [N, In, H, W], W [Out, In, K, K], b [Out], y [N, Out, OutH, OutW], OutH = (H + 2 P - K) / S + 1 rounded
/// down, or H for 'same'. Cost: 2 N OutH OutW In Out K K floating-point operations forward, twice that backward.
/// Initial values: U(-k, k) with k = 1 / sqrt(In K K), as PyTorch's nn.Conv2d, so that runs can be compared.
/// </remarks>
public sealed record Conv2d : ConvolutionLayer
{
    /// <summary>The padding that keeps height and width; needs a stride of 1.</summary>
    public const int Same = -1;

    /// <summary>Makes a convolution.</summary>
    /// <param name="in">Input channels.</param>
    /// <param name="out">Output channels.</param>
    /// <param name="k">Side of the kernel, in pixels.</param>
    /// <param name="stride">Distance between neighbouring windows, in pixels.</param>
    /// <param name="padding">
    /// Zeros on every side, in pixels; <see cref="Same"/> keeps the size, the odd one last.
    /// </param>
    /// <param name="bias">Whether a constant is learned for each output channel.</param>
    /// <exception cref="Errors.ConfigurationException">An argument is out of range.</exception>
    public Conv2d(int @in, int @out, int k, int stride = 1, int padding = 0, bool bias = true)
        : base(@in, @out, k, stride, bias)
    {
        Padding = padding;
        CheckArguments(padding == Same ? 0 : padding);
        if (padding == Same)
        {
            Check("stride (with padding 'same')", stride, 1, 1);
        }
    }

    /// <summary>Zeros on every side, in pixels, or <see cref="Same"/>.</summary>
    public int Padding { get; }

    private protected override ConvolutionGeometry Geometry => new(K, Stride, PaddingBefore, Transposed: false);

    private int PaddingBefore => Padding == Same ? (K - 1) / 2 : Padding;

    private protected override long OutputSide(int inputSide)
    {
        if (Padding == Same)
        {
            return inputSide;
        }

        long room = inputSide + (2L * Padding) - K;
        return room < 0 ? 0 : (room / Stride) + 1;
    }

    internal override void CollectParameters(ParameterCollector collector, string path) =>
        Collect(collector, path, Out, In);
}
