namespace Distributed.Framework.Data.Png;

/// <summary>Numbers of the PNG format that both directions need.</summary>
/// <remarks>
/// File: signature, then chunks: length (4 bytes, big-endian), type (4), data, CRC-32 over type and data (4). IHDR:
/// width (4), height (4), bit depth, colour type, compression 0, filter method 0, interlace 0 or 1 (a byte each).
/// </remarks>
internal static class PngFormat
{
    public const int HeaderBytes = 13;
    public const byte Grey = 0;
    public const byte Rgb = 2;
    public const byte Palette = 3;
    public const byte GreyAlpha = 4;
    public const byte RgbAlpha = 6;

    /// <summary>The first eight bytes of every PNG file.</summary>
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];
}
