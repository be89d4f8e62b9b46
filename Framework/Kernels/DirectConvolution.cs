namespace Distributed.Framework.Kernels;

/// <summary>One line of output pixels of a convolution, and what it is computed from.</summary>
internal readonly unsafe struct ConvolutionLine
{
    /// <summary>The input pixel that output pixel 0 starts from; runs are relative to it.</summary>
    public required float* Input { get; init; }

    /// <summary>Floats from one output pixel's start to the next one's: the stride times the pixel's floats.</summary>
    public required nint InputPixel { get; init; }

    /// <summary>What an output pixel reads, in the order of its sum.</summary>
    public required Run* Runs { get; init; }

    /// <summary>The runs, cut in blocks whose weights fit the first-level cache: how many runs each has.</summary>
    public required int* Blocks { get; init; }

    public required int BlockCount { get; init; }

    /// <summary>Products an output element sums: floats of all runs.</summary>
    public required int Depth { get; init; }

    /// <summary>[Channels / 16, rounded up][Depth][16].</summary>
    public required float* Weights { get; init; }

    /// <summary>What the sums start from, one a channel; null to add to the output.</summary>
    public required float* Start { get; init; }

    /// <summary>Output pixel 0, overwritten or added to.</summary>
    public required float* Output { get; init; }

    /// <summary>Floats from output pixel to output pixel.</summary>
    public required nint OutputPixel { get; init; }

    /// <summary>At least 1.</summary>
    public required int Pixels { get; init; }

    /// <summary>Output channels, a multiple of 4.</summary>
    public required int Channels { get; init; }

    /// <summary>Whether weights or output are too large for a near cache, and asked for in advance.</summary>
    public bool Prefetches { get; init; }

    /// <summary>Whether the output is max(sum, 0).</summary>
    public bool Rectifies { get; init; }
}

/// <summary>
/// Convolutions as matrix products that read the image where it lies: rows are pixels, columns channels.
/// </summary>
/// <remarks>
/// A line of pixels is cut in tiles of nearly equal height, so that no tile is too low to fill the pipelines. The
/// weights of a block of runs stay in the first-level cache while all tiles of the line pass.
/// </remarks>
internal static unsafe class DirectConvolution<TVector>
    where TVector : struct, IVector<TVector>
{
    /// <summary>Channels that are stored together in packed weights.</summary>
    public const int Group = 16;

    /// <summary>Computes one line.</summary>
    public static void Compute(in ConvolutionLine line)
    {
        int lanes = TVector.Lanes;
        for (int channel = 0; channel < line.Channels;)
        {
            // The last channels in vectors as narrow as they are.
            int left = line.Channels - channel;
            if (lanes > Vector4.Lanes && left <= Vector4.Lanes)
            {
                DirectConvolution<Vector4>.ComputeColumns(line, channel, two: false);
                return;
            }

            if (lanes > Vector8.Lanes && left <= Vector8.Lanes)
            {
                DirectConvolution<Vector8>.ComputeColumns(line, channel, two: false);
                return;
            }

            bool two = left > lanes + (lanes / 2);
            ComputeColumns(line, channel, two);
            channel += two ? 2 * lanes : lanes;
        }
    }

    /// <summary>One vector of channels, or two.</summary>
    private static void ComputeColumns(in ConvolutionLine line, int channel, bool two)
    {
        int lanes = TVector.Lanes;
        nint groupFloats = (nint)line.Depth * Group;
        nint secondColumn = (lanes == Group ? groupFloats : lanes) * sizeof(float);
        byte* weights = (byte*)(line.Weights + (channel / Group * groupFloats) + (channel % Group));
        float* start = line.Start == null ? null : line.Start + channel;
        Run* runs = line.Runs;
        for (int block = 0; block < line.BlockCount; block++)
        {
            int runCount = line.Blocks[block];
            int depth = 0;
            for (int i = 0; i < runCount; i++)
            {
                depth += runs[i].Count;
            }

            RunTile tile = new()
            {
                A = (byte*)line.Input,
                AStep = line.InputPixel * sizeof(float),
                Runs = runs,
                RunCount = runCount,
                B = weights,
                BColumn = secondColumn,
                BNext = groupFloats * sizeof(float) * (two && lanes == Group ? 2 : 1),
                Prefetches = line.Prefetches,
                Start = start,
                C = (byte*)(line.Output + channel),
                CStep = line.OutputPixel * sizeof(float),
                Rectifies = line.Rectifies && block == line.BlockCount - 1,
            };
            ComputeTiles(tile, line.Pixels, two);
            weights += depth * Group * sizeof(float);
            runs += runCount;
            start = null;
        }
    }

    private static void ComputeTiles(in RunTile first, int pixels, bool two)
    {
        (int rows, int higher, int others) = Partition.AtMost(pixels, two ? TVector.TileRows : TileSizes.RowsMax);
        Multiply(two, rows + 1, first, higher);
        nint above = (nint)higher * (rows + 1);
        RunTile second = first with { A = first.A + (above * first.AStep), C = first.C + (above * first.CStep) };
        Multiply(two, rows, second, others);
    }

    private static void Multiply(bool two, int rows, in RunTile tile, int tiles)
    {
        if (tiles == 0)
        {
            return;
        }

        if (two)
        {
            TileTable<TVector, Size2>.MultiplyRuns(rows, tile, tiles);
        }
        else
        {
            TileTable<TVector, Size1>.MultiplyRuns(rows, tile, tiles);
        }
    }
}
