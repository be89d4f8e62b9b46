using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>A convolution's weight gradient by its definition: one matrix product a kernel element.</summary>
/// <remarks>
/// Where the input has few channels, what a band of output pixels reads is gathered first, and one matrix product does
/// for all kernel elements: the same sums in the same order.
/// </remarks>
internal sealed unsafe class DirectWeightGradient : WeightGradientPass
{
    private readonly ConvolutionGeometry _geometry;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly TapOffsets[] _taps;
    private readonly int[] _outputChannelOf;
    private readonly GatheredProduct? _gathered;

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
        if (!geometry.Transposed && _taps.Length <= FewChannels.TapsMax
            && input.Channels is [{ Count: <= FewChannels.ChannelsMax }])
        {
            int[] offsets = [.. taps.Select(tap => tap.A + input.Channels[0].Offset)];
            _gathered = new GatheredProduct(input, offsets, geometry.Stride, output);
        }
    }

    /// <summary>[output floats / 16][taps][input channels][16].</summary>
    public override int SumFloats => checked(_taps.Length * _input.Shape.C * _output.Floats);

    public override int ScratchFloats => _gathered?.ScratchFloats ?? 0;

    public override void Accumulate(in WeightGradientCall call)
    {
        for (int image = 0; image < call.Images; image++)
        {
            AccumulateImage(call.Only(image, _input, _output));
        }
    }

    private void AccumulateImage(in WeightGradientCall call)
    {
        if (_gathered is not null)
        {
            for (int y = 0; y < _output.Shape.H; y += _gathered.BandLines)
            {
                CarryBack(call, y, Math.Min(_gathered.BandLines, _output.Shape.H - y));
                _gathered.Accumulate(call.Kernels, call.Input, call.OutputGradient, y, call.Sums, call.Scratch);
            }

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
            Columns = _output.VectorFloats,
            Sums = call.Sums,
        });
    }

    public override void Unpack(KernelSet kernels, float* sums, Span<float> gradient, bool adds) =>
        Unpack(sums, _outputChannelOf, _taps.Length, _input.Shape.C, _strides, gradient, adds);
}
