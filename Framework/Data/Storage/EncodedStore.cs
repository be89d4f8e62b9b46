using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Storage;

/// <summary>Gives the samples of a compressed picture.</summary>
/// <param name="shape">Of the picture.</param>
/// <returns>[H, W, C].</returns>
internal delegate byte[] DecodePicture(out ImageShape shape);

/// <summary>A picture that can only be read as a whole: decoded again whenever none of it is left in memory.</summary>
/// <param name="name">What messages call it.</param>
/// <param name="format">Of a number, as decoded.</param>
/// <param name="shape">Of the picture.</param>
/// <param name="decode">Reads the file.</param>
internal sealed class EncodedStore(string name, SampleFormat format, ImageShape shape, DecodePicture decode)
    : TiledStore(format, shape.C, (shape.W, shape.H)), ITileDecoder
{
    private readonly int _pixelBytes = shape.C * format.Bytes;

    /// <inheritdoc/>
    public byte[] Decode(int tile)
    {
        byte[] pixels = decode(out ImageShape found);
        return found == shape && pixels.Length == (long)shape.H * shape.W * _pixelBytes
            ? pixels
            : throw new DataException(
                $"{name} was changed while it was read.", "Leave the data as they are while they are in use.");
    }

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> Pixels(int inside, int plane, int y, int x, int count) =>
        DecodedTiles.Shared.Get(this, 0).AsSpan(((y * shape.W) + x) * _pixelBytes, count * _pixelBytes);
}
