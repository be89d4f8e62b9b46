namespace Distributed.Framework.Kernels;

/// <summary>
/// Where the two factors of a kernel element's gradient lie, in floats from the images' first pixels.
/// </summary>
internal readonly record struct TapOffsets(int A, int B);

/// <summary>One image's share of a convolution's weight gradient.</summary>
internal readonly unsafe struct WeightGradientImage
{
    /// <summary>What gives the rows: the layer's input as a rule, at the first pixel of the window.</summary>
    public required float* A { get; init; }

    public required nint APixel { get; init; }

    public required nint ALine { get; init; }

    /// <summary>What gives the columns: the gradient of the layer's output as a rule, at the same pixel.</summary>
    public required float* B { get; init; }

    public required nint BPixel { get; init; }

    public required nint BLine { get; init; }

    /// <summary>Size of the window of pixels that is summed over.</summary>
    public required int W { get; init; }

    public required int H { get; init; }

    /// <summary>One entry for each kernel element.</summary>
    public required TapOffsets[] Taps { get; init; }

    /// <summary>The rows' channels.</summary>
    public required Run[] Channels { get; init; }

    /// <summary>Columns, a multiple of 4.</summary>
    public required int Columns { get; init; }

    /// <summary>[Columns / 16, rounded up][taps][channels][16], added to.</summary>
    public required float* Sums { get; init; }

    /// <summary>Whether the sums are too large for a near cache, and asked for in advance.</summary>
    public bool Prefetches { get; init; }

    /// <summary>Whether each sum goes on from what it was, instead of adding a band's sum to it.</summary>
    public bool Continues { get; init; }

    /// <summary>Whether what the sums were counts as zero; the image has one band then.</summary>
    public bool Overwrites { get; init; }
}

/// <summary>Weight gradients as matrix products over pixels: input channels by output channels.</summary>
/// <remarks>
/// A band of lines at a time, so that both images' parts stay in the second-level cache while every kernel element
/// passes. Each band is summed from zero and then added: the order depends on the image's size alone.
/// </remarks>
internal static unsafe class WeightGradient<TVector>
    where TVector : struct, IVector<TVector>
{
    private const int BandPixels = 128;
    private const int Group = 16;

    /// <summary>Adds one image.</summary>
    public static void Accumulate(in WeightGradientImage image)
    {
        int depth = 0;
        foreach (Run run in image.Channels)
        {
            depth += run.Count;
        }

        depth *= image.Taps.Length;
        int bandLines = Math.Max(1, BandPixels / image.W);
        for (int y = 0; y < image.H; y += bandLines)
        {
            AccumulateLines(image, y, Math.Min(bandLines, image.H - y), depth);
        }
    }

    private static void AccumulateLines(in WeightGradientImage image, int y, int lines, int depth)
    {
        int lanes = TVector.Lanes;
        for (int column = 0; column < image.Columns;)
        {
            // As in DirectConvolution: the last columns in vectors as narrow as they are.
            int left = image.Columns - column;
            if (lanes > Vector4.Lanes && left <= Vector4.Lanes)
            {
                WeightGradient<Vector4>.AccumulateColumns(image, y, lines, column, two: false, depth);
                return;
            }

            if (lanes > Vector8.Lanes && left <= Vector8.Lanes)
            {
                WeightGradient<Vector8>.AccumulateColumns(image, y, lines, column, two: false, depth);
                return;
            }

            bool two = left > lanes + (lanes / 2);
            AccumulateColumns(image, y, lines, column, two, depth);
            column += two ? 2 * lanes : lanes;
        }
    }

    private static void AccumulateColumns(
        in WeightGradientImage image, int y, int lines, int column, bool two, int depth)
    {
        float* sums = image.Sums + ((nint)(column / Group) * depth * Group) + (column % Group);
        nint secondColumn = (TVector.Lanes == Group ? (nint)depth * Group : TVector.Lanes) * sizeof(float);
        float* a = image.A + (y * image.ALine);
        float* b = image.B + (y * image.BLine) + column;
        foreach (TapOffsets tap in image.Taps)
        {
            foreach (Run run in image.Channels)
            {
                PixelTile first = new()
                {
                    A = (byte*)(a + tap.A + run.Offset),
                    APixel = image.APixel * sizeof(float),
                    ALine = image.ALine * sizeof(float),
                    B = (byte*)(b + tap.B),
                    BPixel = image.BPixel * sizeof(float),
                    BLine = image.BLine * sizeof(float),
                    W = image.W,
                    H = lines,
                    C = (byte*)sums,
                    CColumn = secondColumn,
                    Prefetches = image.Prefetches,
                    Continues = image.Continues,
                    Overwrites = image.Overwrites,
                };
                AccumulateTiles(first, run.Count, two);
                sums += (nint)run.Count * Group;
            }
        }
    }

    private static void AccumulateTiles(in PixelTile first, int channels, bool two)
    {
        (int rows, int higher, int others) = Partition.AtMost(channels, two ? TVector.TileRows : TileSizes.RowsMax);
        AddPixels(two, rows + 1, first, higher);
        nint above = (nint)higher * (rows + 1) * sizeof(float);
        PixelTile second = first with { A = first.A + above, C = first.C + (above * Group) };
        AddPixels(two, rows, second, others);
    }

    private static void AddPixels(bool two, int rows, in PixelTile tile, int tiles)
    {
        if (tiles == 0)
        {
            return;
        }

        if (two)
        {
            TileTable<TVector, Size2>.AccumulatePixels(rows, tile, tiles);
        }
        else
        {
            TileTable<TVector, Size1>.AccumulatePixels(rows, tile, tiles);
        }
    }
}
