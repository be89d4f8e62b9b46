using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>The weight gradient of a convolution of stride 1 with at most four outputs.</summary>
/// <remarks>
/// One matrix product over the input's pixels: the output gradients that all kernel elements carry to them by their
/// channels. Each band of lines is summed from zero and then added: the order depends on the image's size alone.
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
    private readonly Run[] _gathered;
    private readonly int[] _inputChannelOf;
    private readonly int _rowFloats;
    private readonly int _bandLines;

    public FewOutputsWeightGradient(
        ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
        : base(output)
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

        _gathered = [new Run(0, _taps * output.Shape.C)];
        _inputChannelOf = input.ChannelOfFloat();
        _rowFloats = FewChannels.RowFloats(_taps, output.Shape.C);
        _bandLines = Math.Min(input.Shape.H, Math.Max(1, BandPixels / input.Shape.W));
        ScratchFloats = checked(_bandLines * input.Shape.W * _rowFloats);
    }

    /// <summary>[input floats / 16][taps][output channels][16].</summary>
    public override int SumFloats => checked(_gathered[0].Count * _input.Floats);

    public override int ScratchFloats { get; }

    public override void Accumulate(in WeightGradientCall call)
    {
        CarryBack(call, 0, _output.Shape.H);
        int width = _input.Shape.W;
        nint rows = (nint)width * _rowFloats;
        for (int y = 0; y < _input.Shape.H; y += _bandLines)
        {
            int lines = Math.Min(_bandLines, _input.Shape.H - y);
            for (int i = 0; i < lines; i++)
            {
                FewChannels.Gather(
                    call.OutputGradient + ((nint)(y + i) * _output.LineFloats),
                    _output.PixelFloats,
                    _offsets,
                    _output.Shape.C,
                    call.Scratch + (i * rows),
                    _rowFloats,
                    width);
            }

            call.Kernels.AccumulateWeightGradient(new WeightGradientImage
            {
                A = call.Scratch,
                APixel = _rowFloats,
                ALine = rows,
                B = call.Input + ((nint)y * _input.LineFloats),
                BPixel = _input.PixelFloats,
                BLine = _input.LineFloats,
                W = width,
                H = lines,
                Taps = _origin,
                Channels = _gathered,
                Columns = _input.VectorFloats(call.Kernels.Lanes),
                Sums = call.Sums,
            });
        }
    }

    public override void Unpack(KernelSet kernels, float* sums, Span<float> gradient)
    {
        for (int group = 0; group < _input.Floats; group += Group)
        {
            ReadOnlySpan<int> channels = _inputChannelOf.AsSpan(group, Group);
            for (int row = 0; row < _gathered[0].Count; row++, sums += Group)
            {
                (int tap, int output) = Math.DivRem(row, _output.Shape.C);
                int target = _strides.Start + (output * _strides.Out) + tap;
                for (int lane = 0; lane < Group; lane++)
                {
                    if (channels[lane] >= 0)
                    {
                        gradient[target + (channels[lane] * _strides.In)] += sums[lane];
                    }
                }
            }
        }
    }
}
