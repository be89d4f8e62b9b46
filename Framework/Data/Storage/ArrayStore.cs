using Distributed.Framework.Data.Sources;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Storage;

/// <summary>Images of an array, without gaps: [N, C, H, W], or [N, H, W, C] where channels lie together.</summary>
/// <param name="bytes">Where they are.</param>
/// <param name="start">Of the first image.</param>
/// <param name="format">Of a number.</param>
/// <param name="shape">Of an image.</param>
/// <param name="channelsAreLast">Whether channels lie together.</param>
internal sealed class ArrayStore(
    RandomBytes bytes, long start, SampleFormat format, ImageShape shape, bool channelsAreLast)
    : TiledStore(format, channelsAreLast ? shape.C : 1, (shape.W, shape.H))
{
    private readonly int _pixelBytes = (channelsAreLast ? shape.C : 1) * format.Bytes;
    private readonly int _planes = channelsAreLast ? 1 : shape.C;

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> Pixels(int inside, int plane, int y, int x, int count)
    {
        long row = (((((long)inside * _planes) + plane) * shape.H) + y) * shape.W;
        Span<byte> pixels = ThreadScratch.ForBytes(count * _pixelBytes);
        bytes.Read(start + ((row + x) * _pixelBytes), pixels);
        return pixels;
    }
}
