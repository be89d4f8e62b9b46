using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>The weight gradient of a 3 x 3 convolution of stride 1 by Winograd's algorithm.</summary>
/// <remarks>
/// Tile by tile dU += (B^T d B) (A e A^T)^T in each plane, for inputs d and output gradients e; then dW = G^T dU G,
/// once a shard or once an image. The activation's backward step is taken on the way; the plane of point (1, 1) holds
/// the sums of e, which the bias' gradient is added up from. Each band of tiles is summed from zero and then added; but
/// images that fill no band are summed on and on, tile by tile, so that it makes no difference how many go through
/// together. The order depends on the image's size alone.
/// </remarks>
internal sealed unsafe class WinogradWeightGradient : WeightGradientPass
{
    private const int Group = ActivationNode.ChannelGroup;

    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly WinogradLayout _layout;
    private readonly int[] _channelOf;
    private readonly TapOffsets[] _taps = [new TapOffsets(0, 0)];

    public WinogradWeightGradient(
        int outputs,
        ConvolutionGeometry geometry,
        ActivationNode input,
        ActivationNode output,
        WeightStrides strides,
        int images)
        : base(output)
    {
        _input = input;
        _output = output;
        _strides = strides;
        _layout = new WinogradLayout(outputs, geometry, input, output, images);
        _channelOf = output.ChannelOfFloat();
        SumFloats = checked(_layout.Planes * SumPlane);
    }

    /// <summary>[planes][output floats / 16][input channels][16].</summary>
    public override int SumFloats { get; }

    public override int ScratchFloats => _layout.ScratchFloats;

    private int SumPlane => WinogradLayout.PlaneFloats(_input.Shape.C, _output.Floats);

    public override void Accumulate(in WeightGradientCall call)
    {
        for (int first = 0; first < call.Images; first += _layout.ImagesOfBand)
        {
            int images = Math.Min(_layout.ImagesOfBand, call.Images - first);
            WeightGradientCall some = call.Only(first, _input, _output) with { Images = images };
            bool overwrites = some.Overwrites;
            foreach (WinogradBand band in _layout.Bands)
            {
                Accumulate(some, band, overwrites);
                overwrites = false;
            }
        }
    }

    /// <summary>A band of as many images as share it.</summary>
    private void Accumulate(in WeightGradientCall call, in WinogradBand band, bool overwrites)
    {
        WinogradKernels winograd = _layout.Kernels(call.Kernels);
        float* gradients = _layout.OutputPlanes(call.Scratch);
        nint toOutput = (nint)(call.Output - call.OutputGradient);
        for (int image = 0; image < call.Images; image++)
        {
            WeightGradientCall one = call.Only(image, _input, _output);
            winograd.TransformInput(_layout.InputTiles(band, image, one.Input, call.Scratch));
            WinogradTiles tiles = _layout.OutputTiles(band, image, one.OutputGradient, call.Scratch);
            winograd.TransformOutputGradient(tiles, call.Activation, toOutput);
            if (call.BiasSums != null)
            {
                float* sums = tiles.Planes + (winograd.PlaneOfSums * (nint)_layout.OutputPlane);
                call.Kernels.AddPixels(sums, _output.Floats, band.Tiles, _output.Floats, call.BiasSums);
            }
        }

        for (int plane = 0; plane < _layout.Planes; plane++)
        {
            call.Kernels.AccumulateWeightGradient(new WeightGradientImage
            {
                A = call.Scratch + ((nint)plane * _layout.InputPlane),
                APixel = _input.Floats,
                ALine = 0,
                B = gradients + ((nint)plane * _layout.OutputPlane),
                BPixel = _output.Floats,
                BLine = 0,
                W = call.Images * band.Tiles,
                H = 1,
                Taps = _taps,
                Channels = _input.Channels,
                Columns = _output.VectorFloats,
                Prefetches = SumFloats >= CacheLine.FarFloats,
                Continues = _layout.HasSmallImages && !overwrites,
                Overwrites = overwrites,
                Sums = call.Sums + ((nint)plane * SumPlane),
            });
        }
    }

    public override void Unpack(KernelSet kernels, float* sums, Span<float> gradient, bool adds)
    {
        WinogradKernels winograd = _layout.Kernels(kernels);
        KernelTaps taps = new(_strides, _layout.Grid.IsTurned);
        float* weights = stackalloc float[WinogradKernels.WeightGroupsMax * KernelTaps.Count * Group];
        fixed (float* target = gradient[_strides.Start..])
        {
            for (int first = 0; first < _output.Floats; first += Group)
            {
                float* channel = target + (_channelOf[first] * _strides.Out);
                int channels = _output.ChannelsOfGroup(first);
                for (int i = 0; i < _input.Shape.C; i += WinogradKernels.WeightGroupsMax)
                {
                    int inputs = Math.Min(WinogradKernels.WeightGroupsMax, _input.Shape.C - i);
                    winograd.TransformWeightGradient(sums, SumPlane, inputs, weights);
                    taps.Scatter(weights, inputs, channels, channel, adds);
                    sums += inputs * Group;
                    channel += (nint)inputs * _strides.In;
                }
            }
        }
    }
}
