using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>The weight gradient of a convolution of stride 1 with at most four outputs.</summary>
/// <remarks>
/// One matrix product over the input's pixels: their channels by the output gradients that all kernel elements carry to
/// them. Each band of lines is summed from zero and then added: the order depends on the image's size alone.
/// </remarks>
internal sealed unsafe class FewOutputsWeightGradient : WeightGradientPass
{
    private const int BandPixels = 128;
    private const int Group = ActivationNode.ChannelGroup;

    private readonly int _taps;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly int[] _offsets;
    private readonly TapOffsets[] _origin = [new TapOffsets(0, 0)];
    private readonly int _rowFloats;
    private readonly int _bandLines;

    public FewOutputsWeightGradient(
        ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
    {
        int k = geometry.K;
        _taps = k * k;
        _input = input;
        _output = output;
        _strides = strides;
        _offsets = new int[_taps];
        for (int tap = 0; tap < _taps; tap++)
        {
            // Input i goes to output i - padding + k of a transposed convolution, i + padding - k of a plain one.
            (int dy, int dx) = (geometry.Padding - (tap / k), geometry.Padding - (tap % k));
            int offset = checked((dy * output.LineFloats) + (dx * output.PixelFloats));
            _offsets[tap] = geometry.Transposed ? -offset : offset;
        }

        _rowFloats = FewChannels.RowFloats(_taps, output.Shape.C);
        _bandLines = Math.Min(input.Shape.H, Math.Max(1, BandPixels / input.Shape.W));
        ScratchFloats = checked(_bandLines * input.Shape.W * _rowFloats);
    }

    /// <summary>[row floats / 16][input channels][16].</summary>
    public override int SumFloats => checked(_rowFloats * _input.Shape.C);

    public override int ScratchFloats { get; }

    public override void Accumulate(
        KernelSet kernels, float* input, float* outputGradient, float* sums, float* scratch)
    {
        int width = _input.Shape.W;
        int lanes = kernels.Lanes;
        nint rows = (nint)width * _rowFloats;
        for (int y = 0; y < _input.Shape.H; y += _bandLines)
        {
            int lines = Math.Min(_bandLines, _input.Shape.H - y);
            for (int i = 0; i < lines; i++)
            {
                FewChannels.Gather(
                    outputGradient + ((nint)(y + i) * _output.LineFloats),
                    _output.PixelFloats,
                    _offsets,
                    _output.Shape.C,
                    scratch + (i * rows),
                    _rowFloats,
                    width);
            }

            kernels.AccumulateWeightGradient(new WeightGradientImage
            {
                A = input + ((nint)y * _input.LineFloats),
                APixel = _input.PixelFloats,
                ALine = _input.LineFloats,
                B = scratch,
                BPixel = _rowFloats,
                BLine = rows,
                W = width,
                H = lines,
                Taps = _origin,
                Channels = _input.Channels,
                Columns = ((_taps * _output.Shape.C) + lanes - 1) / lanes * lanes,
                Sums = sums,
            });
        }
    }

    public override void Unpack(KernelSet kernels, float* sums, Span<float> gradient)
    {
        for (int i = 0; i < _input.Shape.C; i++)
        {
            for (int column = 0; column < _taps * _output.Shape.C; column++)
            {
                (int tap, int channel) = Math.DivRem(column, _output.Shape.C);
                int source = (((column / Group * _input.Shape.C) + i) * Group) + (column % Group);
                gradient[_strides.Start + (i * _strides.In) + (channel * _strides.Out) + tap] = sums[source];
            }
        }
    }
}
