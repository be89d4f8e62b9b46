using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>How Winograd's tiles cover a convolution's output, and where they read the input.</summary>
/// <remarks>
/// A 3 x 3 convolution of stride 1 reads, for output o, inputs o + Offset to o + Offset + 2, and a transposed one too,
/// with the kernel turned by half a turn. Tiles begin at output (0, 0) and are always whole, so a part of an image
/// whose origin is a multiple of the tile's side goes through the same additions as the whole image.
/// </remarks>
internal sealed class WinogradGrid
{
    private readonly int _outputs;

    public WinogradGrid(int outputs, ConvolutionGeometry geometry, int outH, int outW)
    {
        _outputs = outputs;
        Offset = geometry.Transposed ? geometry.Padding - 2 : -geometry.Padding;
        IsTurned = geometry.Transposed;
        Rows = (outH + outputs - 1) / outputs;
        Columns = (outW + outputs - 1) / outputs;
    }

    /// <summary>From an output pixel to the first input pixel that it reads.</summary>
    public int Offset { get; }

    /// <summary>Whether the kernel is turned by half a turn.</summary>
    public bool IsTurned { get; }

    /// <summary>Tiles, one below the other.</summary>
    public int Rows { get; }

    /// <summary>Tiles, side by side.</summary>
    public int Columns { get; }

    /// <summary>Whether a convolution is of the kind that Winograd's algorithm computes.</summary>
    public static bool Fits(ConvolutionGeometry geometry) => geometry is { K: 3, Stride: 1 };

    /// <summary>Zero pixels needed around an input of the given size.</summary>
    public int InputBorder(int inH, int inW) => Math.Max(0, Math.Max(-Offset, Math.Max(
        (Rows * _outputs) + 2 + Offset - inH, (Columns * _outputs) + 2 + Offset - inW)));

    /// <summary>Zero pixels needed around an output of the given size, to read whole tiles of it.</summary>
    public int OutputBorder(int outH, int outW) =>
        Math.Max((Rows * _outputs) - outH, (Columns * _outputs) - outW);

    /// <summary>Cuts the grid in bands of at most so many tiles: as many lines as fit, or parts of one.</summary>
    public WinogradBand[] Bands(int tilesMax)
    {
        int across = (Columns + tilesMax - 1) / tilesMax;
        int lines = across > 1 ? 1 : Math.Min(Rows, tilesMax / Columns);
        int down = (Rows + lines - 1) / lines;
        List<WinogradBand> bands = [];
        int row = 0;
        for (int i = 0; i < down; i++)
        {
            int rows = Partition.Size(Rows, down, i);
            int column = 0;
            for (int j = 0; j < across; j++)
            {
                int columns = Partition.Size(Columns, across, j);
                bands.Add(new WinogradBand(row, column, rows, columns));
                column += columns;
            }

            row += rows;
        }

        return [.. bands];
    }
}

/// <summary>A rectangle of tiles that go through together.</summary>
internal readonly record struct WinogradBand(int Row, int Column, int Rows, int Columns)
{
    public int Tiles => Rows * Columns;
}
