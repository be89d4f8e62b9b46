namespace Distributed.Framework.Kernels;

/// <summary>Register tiles of a convolution, one below the other: runs of floats by weights; steps in bytes.</summary>
internal readonly unsafe struct RunTile
{
    /// <summary>Row 0 of the first tile.</summary>
    public required byte* A { get; init; }

    /// <summary>From row to row.</summary>
    public required nint AStep { get; init; }

    /// <summary>Which stretches are read, from a row's start.</summary>
    public required Run* Runs { get; init; }

    public required int RunCount { get; init; }

    /// <summary>16 floats for every float of all runs, one after the other.</summary>
    public required byte* B { get; init; }

    /// <summary>From the first column's vector to the second's.</summary>
    public required nint BColumn { get; init; }

    /// <summary>From the weights to those that are read next.</summary>
    public required nint BNext { get; init; }

    /// <summary>Whether the next weights, and what the result overwrites, are asked for meanwhile.</summary>
    public required bool Prefetches { get; init; }

    /// <summary>What the sums start from, one vector a column for all rows; null: from C itself.</summary>
    public required float* Start { get; init; }

    /// <summary>Row 0 of the first tile's result, overwritten.</summary>
    public required byte* C { get; init; }

    /// <summary>From row to row.</summary>
    public required nint CStep { get; init; }

    /// <summary>Whether the result is max(sum, 0).</summary>
    public bool Rectifies { get; init; }
}
