namespace Distributed.Framework.Execution;

/// <summary>A kernel element and the input pixel it reads, relative to where an output pixel starts.</summary>
internal readonly record struct Tap(int Ky, int Kx, int Dy, int Dx);

/// <summary>Output pixels that a convolution computes alike: same kernel elements, same distances.</summary>
/// <param name="OutY">First output line.</param>
/// <param name="OutX">First output column.</param>
/// <param name="OutStride">Distance between output pixels, both ways.</param>
/// <param name="Lines">Output lines.</param>
/// <param name="Pixels">Output pixels a line.</param>
/// <param name="InY">Where the first output pixel starts reading; may be negative.</param>
/// <param name="InX">Where the first output pixel starts reading; may be negative.</param>
/// <param name="InStride">Distance between the starts of neighbouring output pixels.</param>
/// <param name="Taps">The kernel elements that take part.</param>
internal sealed record ConvolutionPhase(
    int OutY, int OutX, int OutStride, int Lines, int Pixels, int InY, int InX, int InStride, Tap[] Taps);

/// <summary>The geometry of a square convolution, forward or transposed.</summary>
/// <remarks>
/// A strided convolution reads, for output o, input o stride - padding + k. A transposed one is what carries its
/// gradient back: output o reads input (o + padding - k) / stride where that is whole, so that its outputs fall in
/// stride x stride phases, each a plain convolution with a part of the kernel.
/// </remarks>
/// <param name="K">Side of the kernel.</param>
/// <param name="Stride">Distance between neighbouring windows; of the output's pixels, if transposed.</param>
/// <param name="Padding">Zeros before the first line and column.</param>
/// <param name="Transposed">Which of the two.</param>
internal sealed record ConvolutionGeometry(int K, int Stride, int Padding, bool Transposed)
{
    /// <summary>The geometry that carries this one's gradient back.</summary>
    public ConvolutionGeometry Adjoint => this with { Transposed = !Transposed };

    /// <summary>All phases that have output pixels.</summary>
    public List<ConvolutionPhase> Phases(int outH, int outW)
    {
        if (!Transposed)
        {
            IEnumerable<Tap> all =
                from ky in Enumerable.Range(0, K) from kx in Enumerable.Range(0, K) select new Tap(ky, kx, ky, kx);
            return [new ConvolutionPhase(0, 0, 1, outH, outW, -Padding, -Padding, Stride, [.. all])];
        }

        List<ConvolutionPhase> phases = [];
        for (int outY = 0; outY < Math.Min(Stride, outH); outY++)
        {
            for (int outX = 0; outX < Math.Min(Stride, outW); outX++)
            {
                int lines = ((outH - outY - 1) / Stride) + 1;
                int pixels = ((outW - outX - 1) / Stride) + 1;
                (int inY, int phaseY) = Math.DivRem(outY + Padding, Stride);
                (int inX, int phaseX) = Math.DivRem(outX + Padding, Stride);
                Tap[] taps = PhaseTaps(phaseY, phaseX);
                phases.Add(new ConvolutionPhase(outY, outX, Stride, lines, pixels, inY, inX, 1, taps));
            }
        }

        return phases;
    }

    /// <summary>Zero pixels needed around an input of the given size.</summary>
    public int Border(int inH, int inW, int outH, int outW)
    {
        int border = 0;
        foreach (ConvolutionPhase phase in Phases(outH, outW))
        {
            foreach (Tap tap in phase.Taps)
            {
                int top = phase.InY + tap.Dy;
                int left = phase.InX + tap.Dx;
                int bottom = top + ((phase.Lines - 1) * phase.InStride);
                int right = left + ((phase.Pixels - 1) * phase.InStride);
                border = Math.Max(border, Math.Max(Math.Max(-top, -left), Math.Max(bottom - inH + 1, right - inW + 1)));
            }
        }

        return border;
    }

    /// <summary>The kernel elements that reach inputs from outputs o with (o + padding) mod stride = phase.</summary>
    private Tap[] PhaseTaps(int phaseY, int phaseX)
    {
        List<Tap> taps = [];
        for (int ky = phaseY; ky < K; ky += Stride)
        {
            for (int kx = phaseX; kx < K; kx += Stride)
            {
                taps.Add(new Tap(ky, kx, -(ky - phaseY) / Stride, -(kx - phaseX) / Stride));
            }
        }

        return [.. taps];
    }
}
