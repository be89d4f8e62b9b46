using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>Where the tiles of a Winograd convolution lie: in input, output and scratch memory.</summary>
/// <remarks>
/// Scratch: (m + 2)^2 planes of [tiles of a band][input floats], then as many of [tiles of a band][output floats].
/// Images with few tiles share a band: then weights are read once for all of them.
/// </remarks>
internal sealed unsafe class WinogradLayout
{
    /// <summary>
    /// Planes of a band should fit the second-level cache; weights and sums are read once a band: the more, the better.
    /// </summary>
    private const int BandTiles = 64;

    private readonly int _outputs;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;

    /// <param name="outputs">m: outputs of a tile's side.</param>
    /// <param name="geometry">In the direction from input to output.</param>
    /// <param name="input">What is read.</param>
    /// <param name="output">What is written, or whose gradient is read.</param>
    /// <param name="images">Most images of a pass.</param>
    public WinogradLayout(
        int outputs, ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, int images)
    {
        _outputs = outputs;
        _input = input;
        _output = output;
        Grid = new WinogradGrid(outputs, geometry, output.Shape.H, output.Shape.W);
        Bands = Grid.Bands(BandTiles);
        HasSmallImages = Grid.Rows * Grid.Columns < BandTiles;
        ImagesOfBand = HasSmallImages ? Math.Min(images, BandTiles / Bands[0].Tiles) : 1;
        int tiles = Bands.Max(band => band.Tiles) * ImagesOfBand;
        InputPlane = PlaneFloats(tiles, input.Floats);
        OutputPlane = PlaneFloats(tiles, output.Floats);
        ScratchFloats = checked(Planes * (InputPlane + OutputPlane));
    }

    public WinogradGrid Grid { get; }

    public WinogradBand[] Bands { get; }

    /// <summary>Whether an image fills no band: a function of its size alone.</summary>
    public bool HasSmallImages { get; }

    /// <summary>Most images that share a band.</summary>
    public int ImagesOfBand { get; }

    public int Planes => (_outputs + 2) * (_outputs + 2);

    /// <summary>Floats from one of the input's planes to the next.</summary>
    public int InputPlane { get; }

    /// <summary>Floats from one of the output's planes to the next.</summary>
    public int OutputPlane { get; }

    public int ScratchFloats { get; }

    /// <summary>Floats from plane to plane, for planes of [rows][columns].</summary>
    /// <remarks>
    /// A cache line more than the plane has, so that all planes at one place do not fall in the same set of the cache.
    /// </remarks>
    public static int PlaneFloats(int rows, int columns) => checked((rows * columns) + ActivationNode.ChannelGroup);

    public WinogradKernels Kernels(KernelSet kernels) => _outputs == 4 ? kernels.Winograd4 : kernels.Winograd2;

    /// <summary>The planes of the output, behind those of the input.</summary>
    public float* OutputPlanes(float* scratch) => scratch + ((nint)Planes * InputPlane);

    /// <summary>An image's part of a band in the input and in its planes.</summary>
    /// <param name="band">Which.</param>
    /// <param name="image">The how-manieth of those that share the band.</param>
    /// <param name="input">The image.</param>
    /// <param name="scratch">The planes.</param>
    public WinogradTiles InputTiles(in WinogradBand band, int image, float* input, float* scratch) =>
        Tiles(band, image, Grid.Offset, _input, input, scratch, InputPlane);

    /// <summary>The same in the output, or its gradient, and in its planes.</summary>
    public WinogradTiles OutputTiles(in WinogradBand band, int image, float* output, float* scratch) =>
        Tiles(band, image, 0, _output, output, OutputPlanes(scratch), OutputPlane);

    private WinogradTiles Tiles(
        in WinogradBand band, int index, int offset, ActivationNode node, float* image, float* planes, int plane)
    {
        nint y = ((nint)band.Row * _outputs) + offset;
        nint x = ((nint)band.Column * _outputs) + offset;
        return new WinogradTiles
        {
            Image = image + (y * node.LineFloats) + (x * node.PixelFloats),
            Pixel = node.PixelFloats,
            Line = node.LineFloats,
            Rows = band.Rows,
            Columns = band.Columns,
            Planes = planes + ((nint)index * band.Tiles * node.Floats),
            Plane = plane,
            Tile = node.Floats,
            Channels = node.Channels,
            Prefetches = Planes * plane >= CacheLine.FarFloats,
        };
    }
}
