using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>The weight gradient of a 3 x 3 convolution of stride 1 by Winograd's algorithm.</summary>
/// <remarks>
/// Tile by tile dU += (B^T d B) (A e A^T)^T in each plane, for inputs d and output gradients e; once a leaf
/// dW = G^T dU G. Each band of tiles is summed from zero and then added: the order depends on the image's size alone.
/// </remarks>
internal sealed unsafe class WinogradWeightGradient : WeightGradientPass
{
    /// <summary>The sums are read and written once a band: more tiles, less traffic.</summary>
    private const int BandTiles = 64;

    private const int Group = ActivationNode.ChannelGroup;

    private readonly int _outputs;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly WinogradGrid _grid;
    private readonly WinogradBand[] _bands;
    private readonly int[] _channelOf;
    private readonly TapOffsets[] _taps = [new TapOffsets(0, 0)];
    private readonly int _inputPlane;
    private readonly int _outputPlane;

    public WinogradWeightGradient(
        int outputs, ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
    {
        _outputs = outputs;
        _input = input;
        _output = output;
        _strides = strides;
        _grid = new WinogradGrid(outputs, geometry, output.Shape.H, output.Shape.W);
        _bands = _grid.Bands(BandTiles);
        _channelOf = output.ChannelOfFloat();
        int tiles = _bands.Max(band => band.Tiles);
        _inputPlane = WinogradProgram.PlaneFloats(tiles, input);
        _outputPlane = WinogradProgram.PlaneFloats(tiles, output);
        ScratchFloats = checked(Planes * (_inputPlane + _outputPlane));
        SumFloats = checked(Planes * SumPlane);
    }

    /// <summary>[planes][output floats / 16][input channels][16].</summary>
    public override int SumFloats { get; }

    public override int ScratchFloats { get; }

    private int Planes => (_outputs + 2) * (_outputs + 2);

    private int SumPlane => checked(_input.Shape.C * _output.Floats);

    public override void Accumulate(
        KernelSet kernels, float* input, float* outputGradient, float* sums, float* scratch)
    {
        WinogradKernels winograd = Kernels(kernels);
        float* gradients = scratch + ((nint)Planes * _inputPlane);
        foreach (WinogradBand band in _bands)
        {
            nint y = (nint)band.Row * _outputs;
            nint x = (nint)band.Column * _outputs;
            nint inY = y + _grid.Offset;
            nint inX = x + _grid.Offset;
            winograd.TransformInput(new WinogradTiles
            {
                Image = input + (inY * _input.LineFloats) + (inX * _input.PixelFloats),
                Pixel = _input.PixelFloats,
                Line = _input.LineFloats,
                Rows = band.Rows,
                Columns = band.Columns,
                Planes = scratch,
                Plane = _inputPlane,
                Tile = _input.Floats,
                Channels = _input.Channels,
            });
            winograd.TransformOutputGradient(new WinogradTiles
            {
                Image = outputGradient + (y * _output.LineFloats) + (x * _output.PixelFloats),
                Pixel = _output.PixelFloats,
                Line = _output.LineFloats,
                Rows = band.Rows,
                Columns = band.Columns,
                Planes = gradients,
                Plane = _outputPlane,
                Tile = _output.Floats,
                Channels = _output.Channels,
            });
            for (int plane = 0; plane < Planes; plane++)
            {
                AccumulatePlane(
                    kernels,
                    scratch + ((nint)plane * _inputPlane),
                    gradients + ((nint)plane * _outputPlane),
                    band.Tiles,
                    sums + ((nint)plane * SumPlane));
            }
        }
    }

    public override void Unpack(KernelSet kernels, float* sums, Span<float> gradient)
    {
        WinogradKernels winograd = Kernels(kernels);
        float* weights = stackalloc float[9 * Group];
        for (int first = 0; first < _output.Floats; first += Group)
        {
            for (int i = 0; i < _input.Shape.C; i++, sums += Group)
            {
                winograd.TransformWeightGradient(sums, SumPlane, weights);
                for (int lane = 0; lane < Group && _channelOf[first + lane] >= 0; lane++)
                {
                    int target = _strides.Start + (i * _strides.In) + (_channelOf[first + lane] * _strides.Out);
                    Scatter(weights + lane, gradient.Slice(target, 9));
                }
            }
        }
    }

    private void Scatter(float* weights, Span<float> taps)
    {
        int step = _grid.IsTurned ? -Group : Group;
        weights += _grid.IsTurned ? 8 * Group : 0;
        for (int tap = 0; tap < taps.Length; tap++, weights += step)
        {
            taps[tap] = *weights;
        }
    }

    private void AccumulatePlane(KernelSet kernels, float* inputs, float* gradients, int tiles, float* sums)
    {
        kernels.AccumulateWeightGradient(new WeightGradientImage
        {
            A = inputs,
            APixel = _input.Floats,
            ALine = 0,
            B = gradients,
            BPixel = _output.Floats,
            BLine = 0,
            W = tiles,
            H = 1,
            Taps = _taps,
            Channels = _input.Channels,
            Columns = _output.VectorFloats(kernels.Lanes),
            Sums = sums,
        });
    }

    private WinogradKernels Kernels(KernelSet kernels) => _outputs == 4 ? kernels.Winograd4 : kernels.Winograd2;
}
