namespace Distributed.Framework.Data.Tiff;

/// <summary>Undoes the differences that a row was stored as.</summary>
/// <remarks>
/// Predictor 2: each sample is the difference to the one of the same channel in the pixel before, modulo 2^bits (of
/// floats: of their bits). Predictor 3 (floats): all upper bytes of a row, then all second ones and so on, as
/// differences between bytes; undone it leaves each float with its upper byte first, whatever the file's order.
/// Sources: TIFF 6.0, section 14; Adobe Photoshop TIFF technical note 3.
/// </remarks>
internal static class TiffPredictor
{
    /// <summary>Turns a row of differences into samples, in place.</summary>
    public static void Undo(TiffPage page, bool isBigEndian, Span<byte> row)
    {
        int together = page.SamplesTogether;
        switch (page.Predictor)
        {
            case 2 when page.Bits == 8:
                AddBytes(row, together);
                break;
            case 2:
                AddNumbers(row, together * page.SampleBytes, page.SampleBytes, isBigEndian);
                break;
            case 3:
                AddBytes(row, together);
                GatherFloats(row, page.SampleBytes);
                break;
        }
    }

    private static void AddBytes(Span<byte> row, int distance)
    {
        for (int i = distance; i < row.Length; i++)
        {
            row[i] += row[i - distance];
        }
    }

    /// <summary>Adds to each number the one before, from its lowest byte up: a carry out of the last is lost.</summary>
    private static void AddNumbers(Span<byte> row, int distance, int sampleBytes, bool isBigEndian)
    {
        for (int i = distance; i < row.Length; i += sampleBytes)
        {
            int carry = 0;
            for (int b = 0; b < sampleBytes; b++)
            {
                int at = i + (isBigEndian ? sampleBytes - 1 - b : b);
                carry += row[at] + row[at - distance];
                row[at] = (byte)carry;
                carry >>= 8;
            }
        }
    }

    private static void GatherFloats(Span<byte> row, int sampleBytes)
    {
        byte[] planes = row.ToArray();
        int samples = row.Length / sampleBytes;
        for (int i = 0; i < samples; i++)
        {
            for (int b = 0; b < sampleBytes; b++)
            {
                row[(i * sampleBytes) + b] = planes[(b * samples) + i];
            }
        }
    }
}
