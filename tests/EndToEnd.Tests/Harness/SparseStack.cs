using System.Buffers.Binary;
using System.Text;

namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>Stacks of any size that take little disk: noise at the head of each frame, and nothing behind.</summary>
/// <remarks>As ImageJ writes large ones: grey, 16 bits, one directory, and all frames behind the first.</remarks>
internal static class SparseStack
{
    private const int NoisyRows = 40;
    private const int PixelsAt = 512;

    /// <summary>Writes a stack.</summary>
    /// <param name="path">Where.</param>
    /// <param name="frames">How many.</param>
    /// <param name="side">Of a frame, in pixels.</param>
    /// <param name="noisyFrames">The first ones, which are not black.</param>
    public static string Write(string path, int frames, int side, int noisyFrames)
    {
        byte[] text = Encoding.ASCII.GetBytes($"ImageJ=1.54f\nimages={frames}\nslices={frames}\n\0");
        (int Tag, int Type, int Count, int Value)[] entries =
        [
            (256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1),
            (270, 2, text.Length, 256), (273, 4, 1, PixelsAt), (277, 3, 1, 1), (278, 4, 1, side),
            (279, 4, 1, side * side * 2),
        ];
        byte[] head = new byte[PixelsAt];
        "II*\0"u8.CopyTo(head);
        head[4] = 8;
        head[8] = (byte)entries.Length;
        for (int i = 0; i < entries.Length; i++)
        {
            Span<byte> entry = head.AsSpan(10 + (12 * i));
            BinaryPrimitives.WriteUInt16LittleEndian(entry, (ushort)entries[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], (ushort)entries[i].Type);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], entries[i].Count);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], entries[i].Value);
        }

        text.CopyTo(head.AsSpan(256));
        using FileStream stream = File.Create(path);
        stream.Write(head);
        Random random = new(frames);
        byte[] noise = new byte[2 * NoisyRows * side];
        for (int i = 0; i < noisyFrames; i++)
        {
            random.NextBytes(noise);
            stream.Position = PixelsAt + (2L * i * side * side);
            stream.Write(noise);
        }

        stream.SetLength(PixelsAt + (2L * frames * side * side));
        return path;
    }
}
