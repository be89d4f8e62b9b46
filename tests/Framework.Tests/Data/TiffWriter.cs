using System.Buffers.Binary;
using System.IO.Compression;

namespace Distributed.Framework.Tests.Data;

/// <summary>Writes TIFF files of all the kinds that can be read, and of some that cannot.</summary>
internal sealed record TiffWriter(int Width, int Height, int Samples, int Bits)
{
    public bool IsBigEndian { get; init; }

    public int Compression { get; init; } = 1;

    public int Predictor { get; init; } = 1;

    public int Photometric { get; init; } = 1;

    public bool IsPlanar { get; init; }

    /// <summary>Side of a tile; 0 for strips of <see cref="RowsPerStrip"/> rows.</summary>
    public int Tile { get; init; }

    public int RowsPerStrip { get; init; } = 3;

    public int SampleFormat { get; init; } = 1;

    /// <summary>Goes into every page; null for none.</summary>
    public string? Description { get; init; }

    public ushort[] ExtraSamples { get; init; } = [];

    public ushort[] Palette { get; init; } = [];

    /// <summary>A file of pages; each is [H, W, Samples], a sample being a number or the bits of a float.</summary>
    public byte[] Write(params uint[][] pages)
    {
        List<byte> file = [.. IsBigEndian ? "MM\0*"u8 : "II*\0"u8, 0, 0, 0, 0];
        int link = 4;
        foreach (uint[] page in pages)
        {
            link = WritePage(file, page, link);
        }

        return [.. file];
    }

    private int WritePage(List<byte> file, uint[] page, int link)
    {
        int tileWidth = Tile > 0 ? Tile : Width;
        int tileHeight = Tile > 0 ? Tile : Math.Min(RowsPerStrip, Height);
        List<uint> offsets = [];
        List<uint> lengths = [];
        for (int plane = 0; plane < (IsPlanar ? Samples : 1); plane++)
        {
            for (int top = 0; top < Height; top += tileHeight)
            {
                for (int left = 0; left < Width; left += tileWidth)
                {
                    int rows = Tile > 0 ? Tile : Math.Min(tileHeight, Height - top);
                    byte[] tile = Compress(TileBytes(page, plane, top, left, rows, tileWidth));
                    offsets.Add((uint)file.Count);
                    lengths.Add((uint)tile.Length);
                    file.AddRange(tile);
                }
            }
        }

        List<(int Tag, int Type, uint[] Values)> entries =
        [
            (256, 4, [(uint)Width]),
            (257, 4, [(uint)Height]),
            (258, 3, [.. Enumerable.Repeat((uint)Bits, Samples)]),
            (259, 3, [(uint)Compression]),
            (262, 3, [(uint)Photometric]),
            (277, 3, [(uint)Samples]),
            (284, 3, [IsPlanar ? 2u : 1]),
            (317, 3, [(uint)Predictor]),
            (339, 3, [.. Enumerable.Repeat((uint)SampleFormat, Samples)]),
            (Tile > 0 ? 324 : 273, 4, [.. offsets]),
            (Tile > 0 ? 325 : 279, 4, [.. lengths]),
            .. Tile > 0
                ? new (int, int, uint[])[] { (322, 3, [(uint)Tile]), (323, 3, [(uint)Tile]) }
                : [(278, 3, [(uint)RowsPerStrip])],
            .. Description is { } text
                ? new (int, int, uint[])[] { (270, 2, [.. text.Select(letter => (uint)letter), 0]) }
                : [],
            .. Shorts(338, ExtraSamples),
            .. Shorts(320, Palette),
        ];
        return WriteDirectory(file, [.. entries.OrderBy(entry => entry.Tag)], link);
    }

    private static (int Tag, int Type, uint[] Values)[] Shorts(int tag, ushort[] values) =>
        values.Length > 0 ? [(tag, 3, [.. values.Select(value => (uint)value)])] : [];

    private int WriteDirectory(List<byte> file, List<(int Tag, int Type, uint[] Values)> entries, int link)
    {
        List<byte> directory = [.. Number(entries.Count, 2)];
        foreach ((int tag, int type, uint[] values) in entries)
        {
            int itemBytes = type switch { 2 => 1, 3 => 2, _ => 4 };
            byte[] value = [.. values.SelectMany(number => Number(number, itemBytes))];
            directory.AddRange([.. Number(tag, 2), .. Number(type, 2), .. Number(values.Length, 4)]);
            if (value.Length > 4)
            {
                directory.AddRange(Number(file.Count, 4));
                file.AddRange(value);
            }
            else
            {
                directory.AddRange([.. value, .. new byte[4 - value.Length]]);
            }
        }

        byte[] offset = Number(file.Count, 4);
        for (int i = 0; i < 4; i++)
        {
            file[link + i] = offset[i];
        }

        file.AddRange([.. directory, 0, 0, 0, 0]);
        return file.Count - 4;
    }

    private byte[] Number(long value, int bytes)
    {
        byte[] number = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        number = number[..bytes];
        if (IsBigEndian)
        {
            Array.Reverse(number);
        }

        return number;
    }

    private byte[] TileBytes(uint[] page, int plane, int top, int left, int rows, int columns)
    {
        List<byte> bytes = [];
        int together = IsPlanar ? 1 : Samples;
        for (int y = top; y < top + rows; y++)
        {
            uint[] row = new uint[columns * together];
            for (int i = 0; i < row.Length && y < Height; i++)
            {
                int x = left + (i / together);
                int sample = IsPlanar ? plane : i % together;
                row[i] = x < Width ? page[(((y * Width) + x) * Samples) + sample] : 0;
            }

            bytes.AddRange(RowBytes(row, together));
        }

        return [.. bytes];
    }

    private byte[] RowBytes(uint[] row, int together)
    {
        if (Predictor == 3)
        {
            byte[] planes = [.. Enumerable.Range(0, 4).SelectMany(b => row.Select(v => (byte)(v >> (24 - (8 * b)))))];
            return [.. planes.Select((v, i) => i < together ? v : (byte)(v - planes[i - together]))];
        }

        uint[] stored = Predictor == 2
            ? [.. row.Select((v, i) => i < together ? v : v - row[i - together])]
            : row;
        return [.. stored.SelectMany(v => Number(v, Bits / 8))];
    }

    private byte[] Compress(byte[] bytes)
    {
        switch (Compression)
        {
            case 5:
                return Lzw(bytes);
            case 8 or 32946:
                using (MemoryStream stream = new())
                {
                    using (ZLibStream zlib = new(stream, CompressionLevel.Optimal))
                    {
                        zlib.Write(bytes);
                    }

                    return stream.ToArray();
                }

            case 32773:
                return PackBits(bytes);
            default:
                return bytes;
        }
    }

    private static byte[] PackBits(byte[] bytes)
    {
        List<byte> packed = [];
        for (int i = 0; i < bytes.Length;)
        {
            int run = 1;
            while (run < 128 && i + run < bytes.Length && bytes[i + run] == bytes[i])
            {
                run++;
            }

            if (run > 1)
            {
                packed.AddRange([(byte)(257 - run), bytes[i]]);
                i += run;
                continue;
            }

            int count = Math.Min(3, bytes.Length - i);
            packed.AddRange([(byte)(count - 1), .. bytes.AsSpan(i, count)]);
            i += count;
        }

        return [.. packed, 128];
    }

    /// <summary>As an encoder of the specification does it: texts in a dictionary, cleared when it is full.</summary>
    private static byte[] Lzw(byte[] bytes)
    {
        List<byte> packed = [];
        Dictionary<string, int> codes = [];
        ulong buffer = 0;
        int filled = 0;
        int next = 258;
        int width = 9;
        Put(256);
        string text = "";
        foreach (byte value in bytes)
        {
            string longer = text + (char)value;
            if (longer.Length == 1 || codes.ContainsKey(longer))
            {
                text = longer;
                continue;
            }

            Put(CodeOf(text));
            codes[longer] = next++;
            width = next > 2047 ? 12 : next > 1023 ? 11 : next > 511 ? 10 : 9;
            if (next == 4095)
            {
                Put(256);
                codes.Clear();
                (next, width) = (258, 9);
            }

            text = ((char)value).ToString();
        }

        Put(CodeOf(text));
        next++;
        width = next > 2047 ? 12 : next > 1023 ? 11 : next > 511 ? 10 : 9;
        Put(257);
        return filled > 0 ? [.. packed, (byte)(buffer << (8 - filled))] : [.. packed];

        int CodeOf(string known) => known.Length == 1 ? known[0] : codes[known];

        void Put(int code)
        {
            buffer = (buffer << width) | (uint)code;
            for (filled += width; filled >= 8; filled -= 8)
            {
                packed.Add((byte)(buffer >> (filled - 8)));
            }
        }
    }
}
