using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>A convolution's weight gradient by its definition: one matrix product a kernel element.</summary>
/// <remarks>
/// Where the input has few channels, what a band of output pixels reads is gathered first, and one matrix product does
/// for all kernel elements: the same sums in the same order.
/// </remarks>
internal sealed unsafe class DirectWeightGradient : WeightGradientPass
{
    private const int BandPixels = 128;

    private readonly ConvolutionGeometry _geometry;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly TapOffsets[] _taps;
    private readonly int[] _outputChannelOf;
    private readonly bool _isGathered;
    private readonly int[] _offsets;
    private readonly TapOffsets[] _origin = [new TapOffsets(0, 0)];
    private readonly Run[] _gathered;
    private readonly int _rowFloats;
    private readonly int _bandLines;

    public DirectWeightGradient(
        ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
        : base(output)
    {
        _geometry = geometry;
        _input = input;
        _output = output;
        _strides = strides;
        _outputChannelOf = output.ChannelOfFloat();
        List<TapOffsets> taps = [];
        ActivationNode strided = geometry.Transposed ? output : input;
        for (int ky = 0; ky < geometry.K; ky++)
        {
            for (int kx = 0; kx < geometry.K; kx++)
            {
                int offset = checked(
                    ((ky - geometry.Padding) * strided.LineFloats) + ((kx - geometry.Padding) * strided.PixelFloats));
                taps.Add(geometry.Transposed ? new TapOffsets(0, offset) : new TapOffsets(offset, 0));
            }
        }

        _taps = [.. taps];
        _offsets = [.. taps.Select(tap => tap.A + input.Channels[0].Offset)];
        _isGathered = !geometry.Transposed && _taps.Length <= FewChannels.TapsMax
            && input.Channels is [{ Count: <= FewChannels.ChannelsMax }];
        _gathered = [new Run(0, _taps.Length * input.Shape.C)];
        _rowFloats = _isGathered ? FewChannels.RowFloats(_taps.Length, input.Shape.C) : 0;
        _bandLines = Math.Min(output.Shape.H, Math.Max(1, BandPixels / output.Shape.W));
        ScratchFloats = checked(_bandLines * output.Shape.W * _rowFloats);
    }

    /// <summary>[output floats / 16][taps][input channels][16].</summary>
    public override int SumFloats => checked(_taps.Length * _input.Shape.C * _output.Floats);

    public override int ScratchFloats { get; }

    public override void Accumulate(in WeightGradientCall call)
    {
        if (_isGathered)
        {
            AccumulateGathered(call);
            return;
        }

        CarryBack(call, 0, _output.Shape.H);

        int inputStride = _geometry.Transposed ? 1 : _geometry.Stride;
        int outputStride = _geometry.Transposed ? _geometry.Stride : 1;
        ActivationNode window = _geometry.Transposed ? _input : _output;
        call.Kernels.AccumulateWeightGradient(new WeightGradientImage
        {
            A = call.Input,
            APixel = (nint)inputStride * _input.PixelFloats,
            ALine = (nint)inputStride * _input.LineFloats,
            B = call.OutputGradient,
            BPixel = (nint)outputStride * _output.PixelFloats,
            BLine = (nint)outputStride * _output.LineFloats,
            W = window.Shape.W,
            H = window.Shape.H,
            Taps = _taps,
            Channels = _input.Channels,
            Columns = _output.VectorFloats(call.Kernels.Lanes),
            Sums = call.Sums,
        });
    }

    public override void Unpack(KernelSet kernels, float* sums, Span<float> gradient)
    {
        for (int group = 0; group < _output.Floats; group += ActivationNode.ChannelGroup)
        {
            ReadOnlySpan<int> channels = _outputChannelOf.AsSpan(group, ActivationNode.ChannelGroup);
            for (int tap = 0; tap < _taps.Length; tap++)
            {
                for (int i = 0; i < _input.Shape.C; i++, sums += ActivationNode.ChannelGroup)
                {
                    int target = _strides.Start + (i * _strides.In) + tap;
                    for (int lane = 0; lane < channels.Length; lane++)
                    {
                        if (channels[lane] >= 0)
                        {
                            gradient[target + (channels[lane] * _strides.Out)] += sums[lane];
                        }
                    }
                }
            }
        }
    }

    private void AccumulateGathered(in WeightGradientCall call)
    {
        (int height, int width) = (_output.Shape.H, _output.Shape.W);
        nint rows = (nint)width * _rowFloats;
        for (int y = 0; y < height; y += _bandLines)
        {
            int lines = Math.Min(_bandLines, height - y);
            CarryBack(call, y, lines);
            for (int i = 0; i < lines; i++)
            {
                FewChannels.Gather(
                    call.Input + ((nint)(y + i) * _geometry.Stride * _input.LineFloats),
                    (nint)_geometry.Stride * _input.PixelFloats,
                    _offsets,
                    _input.Shape.C,
                    call.Scratch + (i * rows),
                    _rowFloats,
                    width);
            }

            call.Kernels.AccumulateWeightGradient(new WeightGradientImage
            {
                A = call.Scratch,
                APixel = _rowFloats,
                ALine = rows,
                B = call.OutputGradient + ((nint)y * _output.LineFloats),
                BPixel = _output.PixelFloats,
                BLine = _output.LineFloats,
                W = width,
                H = lines,
                Taps = _origin,
                Channels = _gathered,
                Columns = _output.VectorFloats(call.Kernels.Lanes),
                Sums = call.Sums,
            });
        }
    }
}
