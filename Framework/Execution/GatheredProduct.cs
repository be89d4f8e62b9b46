using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>
/// The product of an image of few channels, gathered for all kernel elements, with one of many: over all pixels.
/// </summary>
/// <remarks>
/// Each band of lines is summed from zero and then added: the order depends on the image's size alone.
/// </remarks>
internal sealed unsafe class GatheredProduct
{
    private const int BandPixels = 128;

    private readonly ActivationNode _few;
    private readonly ActivationNode _many;
    private readonly int[] _offsets;
    private readonly int _stride;
    private readonly int _rowFloats;
    private readonly TapOffsets[] _origin = [new TapOffsets(0, 0)];
    private readonly Run[] _gathered;

    /// <param name="few">Of at most <see cref="FewChannels.ChannelsMax"/> channels.</param>
    /// <param name="offsets">From a pixel of it to what the kernel elements take, in floats.</param>
    /// <param name="stride">Pixels of it from one pixel of the other to the next.</param>
    /// <param name="many">The other, whose pixels are summed over.</param>
    public GatheredProduct(ActivationNode few, int[] offsets, int stride, ActivationNode many)
    {
        _few = few;
        _many = many;
        _offsets = offsets;
        _stride = stride;
        _gathered = [new Run(0, offsets.Length * few.Shape.C)];
        _rowFloats = FewChannels.RowFloats(offsets.Length, few.Shape.C);
        BandLines = Math.Min(many.Shape.H, Math.Max(1, BandPixels / many.Shape.W));
        ScratchFloats = checked(BandLines * many.Shape.W * _rowFloats);
    }

    /// <summary>Lines that go through together.</summary>
    public int BandLines { get; }

    /// <summary>Floats of scratch memory.</summary>
    public int ScratchFloats { get; }

    /// <summary>Adds a band.</summary>
    /// <param name="kernels">At which vector width.</param>
    /// <param name="few">Its first channel of pixel (0, 0).</param>
    /// <param name="many">The same of the other.</param>
    /// <param name="y">The band's first line.</param>
    /// <param name="sums">[many's floats / 16][kernel elements][few's channels][16], added to.</param>
    /// <param name="scratch">Scratch memory.</param>
    public void Accumulate(KernelSet kernels, float* few, float* many, int y, float* sums, float* scratch)
    {
        int lines = Math.Min(BandLines, _many.Shape.H - y);
        int width = _many.Shape.W;
        nint rows = (nint)width * _rowFloats;
        for (int i = 0; i < lines; i++)
        {
            FewChannels.Gather(
                few + ((nint)(y + i) * _stride * _few.LineFloats),
                (nint)_stride * _few.PixelFloats,
                _offsets,
                _few.Shape.C,
                scratch + (i * rows),
                _rowFloats,
                width);
        }

        kernels.AccumulateWeightGradient(new WeightGradientImage
        {
            A = scratch,
            APixel = _rowFloats,
            ALine = rows,
            B = many + ((nint)y * _many.LineFloats),
            BPixel = _many.PixelFloats,
            BLine = _many.LineFloats,
            W = width,
            H = lines,
            Taps = _origin,
            Channels = _gathered,
            Columns = _many.VectorFloats,
            Sums = sums,
        });
    }
}
