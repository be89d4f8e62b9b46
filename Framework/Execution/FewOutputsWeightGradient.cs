using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>The weight gradient of a convolution of stride 1 with at most four outputs.</summary>
/// <remarks>
/// One matrix product over the input's pixels: the output gradients that all kernel elements carry to them by their
/// channels.
/// </remarks>
internal sealed unsafe class FewOutputsWeightGradient : WeightGradientPass
{
    private readonly int _taps;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly GatheredProduct _product;
    private readonly int[] _inputChannelOf;

    public FewOutputsWeightGradient(
        ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
        : base(output)
    {
        int k = geometry.K;
        _taps = k * k;
        _input = input;
        _output = output;
        _strides = strides;
        int[] offsets = new int[_taps];
        for (int tap = 0; tap < _taps; tap++)
        {
            // Input i goes to output i - padding + k of a transposed convolution, i + padding - k of a plain one.
            (int dy, int dx) = (geometry.Padding - (tap / k), geometry.Padding - (tap % k));
            int offset = checked((dy * output.LineFloats) + (dx * output.PixelFloats));
            offsets[tap] = geometry.Transposed ? -offset : offset;
        }

        _product = new GatheredProduct(output, offsets, 1, input);
        _inputChannelOf = input.ChannelOfFloat();
    }

    /// <summary>[input floats / 16][taps][output channels][16].</summary>
    public override int SumFloats => checked(_taps * _output.Shape.C * _input.Floats);

    public override int ScratchFloats => _product.ScratchFloats;

    public override void Accumulate(in WeightGradientCall call)
    {
        for (int image = 0; image < call.Images; image++)
        {
            AccumulateImage(call.Only(image, _input, _output));
        }
    }

    private void AccumulateImage(in WeightGradientCall call)
    {
        CarryBack(call, 0, _output.Shape.H);
        for (int y = 0; y < _input.Shape.H; y += _product.BandLines)
        {
            _product.Accumulate(call.Kernels, call.OutputGradient, call.Input, y, call.Sums, call.Scratch);
        }
    }

    public override void Unpack(KernelSet kernels, float* sums, Span<float> gradient, bool adds) =>
        Unpack(sums, _inputChannelOf, _taps, _output.Shape.C, _strides.Swapped, gradient, adds);
}
