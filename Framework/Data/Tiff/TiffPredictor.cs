using System.Buffers.Binary;

namespace Distributed.Framework.Data.Tiff;

/// <summary>Undoes the differences that a row was stored as.</summary>
/// <remarks>
/// Predictor 2: each sample is the difference to the one of the same channel in the pixel before, modulo 2^bits.
/// Predictor 3 (floats): all upper bytes of a row, then all second ones and so on, as differences between bytes; undone
/// it leaves each float with its upper byte first, whatever the file's order. Sources: TIFF 6.0, section 14; Adobe
/// Photoshop TIFF technical note 3.
/// </remarks>
internal static class TiffPredictor
{
    /// <summary>Turns a row of differences into samples, in place.</summary>
    public static void Undo(TiffPage page, bool isBigEndian, Span<byte> row)
    {
        int together = page.SamplesTogether;
        if (page.Predictor == 2 && page.Bits == 8)
        {
            for (int i = together; i < row.Length; i++)
            {
                row[i] += row[i - together];
            }
        }
        else if (page.Predictor == 2)
        {
            for (int i = 2 * together; i < row.Length; i += 2)
            {
                int sum = Read(row[i..]) + Read(row[(i - (2 * together))..]);
                Write(row[i..], (ushort)sum);
            }
        }
        else if (page.Predictor == 3)
        {
            UndoFloats(row, together, page.SampleBytes);
        }

        ushort Read(ReadOnlySpan<byte> bytes) => isBigEndian
            ? BinaryPrimitives.ReadUInt16BigEndian(bytes)
            : BinaryPrimitives.ReadUInt16LittleEndian(bytes);

        void Write(Span<byte> bytes, ushort value)
        {
            if (isBigEndian)
            {
                BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
            }
        }
    }

    private static void UndoFloats(Span<byte> row, int together, int sampleBytes)
    {
        for (int i = together; i < row.Length; i++)
        {
            row[i] += row[i - together];
        }

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
