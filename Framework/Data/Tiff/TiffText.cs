using System.Buffers.Binary;

namespace Distributed.Framework.Data.Tiff;

/// <summary>What a file says beside its pixels.</summary>
/// <param name="Description">Of the first page, in Latin letters; empty for none.</param>
/// <param name="Resolution">Of every page; null if it is not known.</param>
internal sealed record TiffText(string Description, TiffResolution? Resolution = null);

/// <summary>Pixels per unit of length.</summary>
/// <param name="X">Of a row: the numerator in the lower 32 bits, the denominator in the upper ones.</param>
/// <param name="Y">Of a column, likewise.</param>
/// <param name="Unit">1 none that TIFF knows, 2 inch, 3 centimetre.</param>
internal sealed record TiffResolution(ulong X, ulong Y, int Unit)
{
    /// <summary>Both numbers as a file has them, X first.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, X);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(sizeof(ulong)), Y);
        return bytes;
    }
}
