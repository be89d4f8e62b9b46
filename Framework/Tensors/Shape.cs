using System.Globalization;

namespace Distributed.Framework.Tensors;

/// <summary>Shape of one sample, without the batch dimension: channels, height, width.</summary>
/// <param name="C">Channels, or features of a vector; at least 1.</param>
/// <param name="H">Height in pixels; 1 for a vector.</param>
/// <param name="W">Width in pixels; 1 for a vector.</param>
public readonly record struct ImageShape(int C, int H, int W)
{
    /// <summary>Elements of one sample: C H W.</summary>
    public int Elements => checked(C * H * W);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[N, {C}, {H}, {W}]");
}
