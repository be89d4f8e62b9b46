namespace Distributed.Framework.Kernels;

/// <summary>A rectangle of Winograd tiles: where they lie in an image, and where their planes are.</summary>
/// <remarks>
/// Tiles reach beyond an image whose sides their outputs do not divide: there inputs are the border's zeros, and
/// outputs are not written; gradients of outputs are, with the zeros that f' times zero is.
/// </remarks>
internal readonly unsafe struct WinogradTiles
{
    /// <summary>The first tile's first pixel.</summary>
    public required float* Image { get; init; }

    /// <summary>Floats from pixel to pixel.</summary>
    public required nint Pixel { get; init; }

    /// <summary>Floats from line to line.</summary>
    public required nint Line { get; init; }

    /// <summary>Tiles, one below the other.</summary>
    public required int Rows { get; init; }

    /// <summary>Tiles, side by side.</summary>
    public required int Columns { get; init; }

    /// <summary>(m + 2)^2 planes of [tiles][channels].</summary>
    public required float* Planes { get; init; }

    /// <summary>Floats from plane to plane.</summary>
    public required nint Plane { get; init; }

    /// <summary>Floats from tile to tile in a plane.</summary>
    public required nint Tile { get; init; }

    /// <summary>Which channels, both of the image's and of the planes'.</summary>
    public required Run[] Channels { get; init; }

    /// <summary>Whether planes are too large for a near cache, so that what comes next is asked for.</summary>
    public bool Prefetches { get; init; }

    /// <summary>Outputs only: pixel lines that exist from the first tile on.</summary>
    public int Height { get; init; }

    /// <summary>Outputs only: pixels of a line that exist from the first tile on.</summary>
    public int Width { get; init; }

    /// <summary>Outputs only: what is added to the result, one a channel; null to add to what is there.</summary>
    public float* Start { get; init; }
}
