using System.Buffers.Binary;
using System.IO.Compression;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests.Data;

/// <summary>The PNG codec: round trips, files written by hand, and damage.</summary>
public sealed class PngTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 5, 1)]
    [InlineData(1, 9, 3)]
    [InlineData(64, 33, 3)]
    public void Encode_ThenDecode_GivesTheSamePixels(int width, int height, int channels)
    {
        byte[] pixels = [.. Enumerable.Range(0, width * height * channels).Select(i => (byte)((i * i * 7) + (i / 5)))];

        PngImage image = Decode(Encode(new PngImage(width, height, channels, pixels)));

        Assert.Equal((width, height, channels), (image.Width, image.Height, image.Channels));
        Assert.Equal(pixels, image.Pixels);
    }

    [Fact]
    public void Encode_SmoothImage_ChoosesFiltersThatCompress()
    {
        byte[] pixels = [.. Enumerable.Range(0, 256 * 256).Select(i => (byte)((i % 256) + (i / 256)))];

        Assert.InRange(Encode(new PngImage(256, 256, 1, pixels)).Length, 100, 3_000);
    }

    /// <summary>Rows of two pixels, one filter each; the expected bytes were worked out by hand.</summary>
    [Fact]
    public void Decode_AllFilters_GivesTheirPixels()
    {
        byte[] raw =
        [
            0, 10, 20, 30,
            1, 10, 5, 5,
            2, 1, 1, 1,
            3, 4, 4, 4,
            4, 2, 2, 250,
        ];

        PngImage image = Decode(File(3, 5, 8, 0, raw));

        byte[] expected =
        [
            10, 20, 30,
            10, 15, 20,
            11, 16, 21,
            9, 16, 22,
            11, 18, 16,
        ];
        Assert.Equal(expected, image.Pixels);
    }

    [Fact]
    public void Decode_Alpha_IsDropped()
    {
        Assert.Equal([1, 3], Decode(File(2, 1, 8, 4, [0, 1, 2, 3, 4])).Pixels);
        Assert.Equal([1, 2, 3, 5, 6, 7], Decode(File(2, 1, 8, 6, [0, 1, 2, 3, 4, 5, 6, 7, 8])).Pixels);
    }

    [Fact]
    public void Decode_PaletteAndFewBits_AreExpanded()
    {
        byte[] palette = [9, 8, 7, 1, 2, 3];
        Assert.Equal([1, 2, 3, 9, 8, 7, 1, 2, 3], Decode(File(3, 1, 1, 3, [0, 0b10100000], palette)).Pixels);
        Assert.Equal([0, 85, 170, 255], Decode(File(4, 1, 2, 0, [0, 0b00011011])).Pixels);
        Assert.Equal([17, 255, 0], Decode(File(3, 1, 4, 0, [0, 0x1F, 0x00])).Pixels);
    }

    /// <summary>Adam7 of 3 x 3: the passes' pixels, in their order, hold the number of their place.</summary>
    [Fact]
    public void Decode_Interlaced_PutsPixelsInTheirPlaces()
    {
        // Pass 1: (0,0). Pass 4: columns 2 of row 0. Pass 5: row 2, columns 0, 2. Pass 6: columns 1. Pass 7: row 1.
        byte[] raw = [0, 0, 0, 2, 0, 6, 8, 0, 1, 0, 7, 0, 3, 4, 5];

        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8], Decode(File(3, 3, 8, 0, raw, interlaced: true)).Pixels);
    }

    [Fact]
    public void Decode_SixteenBits_IsRefusedByName() =>
        Assert.Contains("16 bits", Fault(File(1, 1, 16, 0, [0, 1, 2])).Message, StringComparison.Ordinal);

    [Fact]
    public void Decode_ImpossibleFiles_AreFaultsWithoutMemory()
    {
        Fault([]);
        Fault(File(0, 1, 8, 0, [0]));
        Fault(File(1, 1, 8, 5, [0, 1]));
        Fault(File(1, 1, 3, 0, [0, 1]));
        Fault(File(1, 1, 8, 3, [0, 0]));
        Fault(File(1, 1, 8, 3, [0, 1], [1, 2, 3]));
        Fault(File(2, 2, 8, 0, [0, 1, 2, 0, 1]));
        Fault(File(2, 1, 8, 0, [5, 1, 2]));
        Fault(File(1 << 20, 1 << 20, 8, 6, [0, 1]));
        Fault(File(30_000, 30_000, 8, 0, [0, 1]));
        byte[] longChunk = File(2, 1, 8, 0, [0, 1, 2]);
        BinaryPrimitives.WriteInt32BigEndian(longChunk.AsSpan(33), 0x7FFFFFFF);
        Fault(longChunk);
    }

    [Fact]
    public void Decode_EveryTruncationAndFlip_IsAFaultOrAPicture()
    {
        byte[] file = Encode(new PngImage(5, 4, 3, [.. Enumerable.Range(0, 60).Select(i => (byte)(i * 3))]));
        for (int length = 0; length < file.Length; length++)
        {
            Fault(file[..length]);
        }

        for (int bit = 0; bit < file.Length * 8; bit++)
        {
            byte[] damaged = [.. file];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Fault(damaged);
        }
    }

    [Fact]
    public void Crc32_KnownText_GivesItsChecksum() => Assert.Equal(0xCBF43926, Crc32.Append("123456789"u8));

    private static PngImage Decode(byte[] file)
    {
        using MemoryStream stream = new(file);
        return PngDecoder.Decode(stream);
    }

    private static DataException Fault(byte[] file)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        DataException fault = Assert.Throws<DataException>(() => Decode(file));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        return fault;
    }

    private static byte[] Encode(PngImage image)
    {
        using MemoryStream stream = new();
        PngEncoder.Encode(image, stream);
        return stream.ToArray();
    }

    /// <summary>A file with the given header and filtered rows.</summary>
    internal static byte[] File(
        int width, int height, byte depth, byte type, byte[] raw, byte[]? palette = null, bool interlaced = false)
    {
        using MemoryStream file = new();
        file.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = (depth, type, (byte)(interlaced ? 1 : 0));
        using MemoryStream compressed = new();
        using (ZLibStream zlib = new(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(raw);
        }

        Chunk("IHDR"u8, header);
        if (palette is not null)
        {
            Chunk("PLTE"u8, palette);
        }

        Chunk("IDAT"u8, compressed.ToArray());
        Chunk("IEND"u8, []);
        return file.ToArray();

        void Chunk(ReadOnlySpan<byte> name, byte[] data)
        {
            byte[] number = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
            file.Write(number);
            file.Write(name);
            file.Write(data);
            BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Append(data, Crc32.Append(name)));
            file.Write(number);
        }
    }
}
