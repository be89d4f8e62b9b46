using System.Globalization;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>How the pixels of one page lie in the file, checked before memory is taken for them.</summary>
internal sealed class TiffPage
{
    private const int SideMax = 1 << 20;
    private const int SamplesMax = 64;
    private readonly TiffBytes _file;
    private readonly TiffDirectory _directory;

    /// <summary>Reads and checks the tags.</summary>
    /// <exception cref="DataException">They are damaged, contradictory, or ask for what is not read.</exception>
    public TiffPage(TiffBytes file, TiffDirectory directory, string place)
    {
        _file = file;
        _directory = directory;
        Place = place;
        Width = Side(TiffTag.ImageWidth);
        Height = Side(TiffTag.ImageLength);
        Samples = (int)Limited(TiffTag.SamplesPerPixel, 1, SamplesMax, 1);
        long[] bits = directory.Numbers(TiffTag.BitsPerSample);
        Bits = bits.Length == 0 ? 1 : (int)Math.Min(bits[0], 1024);
        long[] formats = directory.Numbers(TiffTag.SampleFormat);
        long format = formats.Length == 0 ? 1 : formats[0];
        Kind = format switch { 3 => 'f', 2 => 'i', _ => 'u' };
        bool isMixed = Array.Exists(bits, other => other != bits[0])
            || Array.Exists(formats, other => other != format);
        bool isRead = Kind switch
        {
            'f' => Bits is 16 or 32 or 64,
            'i' => Bits is 8 or 16 or 32,
            _ => Bits is 1 or 8 or 16 or 32,
        };
        if (isMixed || format > 4 || !isRead)
        {
            string kind = isMixed ? "mixed" : Kind switch { 'f' => "float", 'i' => "signed", _ => "integer" };
            throw Unsupported(string.Create(CultureInfo.InvariantCulture, $"samples of {Bits} bits, {kind},"));
        }

        Compression = directory.Number(TiffTag.Compression, TiffCompression.None);
        if (TiffCompression.RatioMax(Compression) == 0)
        {
            string name = Compression is 6 or 7 ? " (JPEG)" : "";
            throw Unsupported(string.Create(CultureInfo.InvariantCulture, $"compression {Compression}{name}"));
        }

        Predictor = (int)Limited(TiffTag.Predictor, 1, 3, 1);
        if (directory.Number(TiffTag.FillOrder, 1) != 1 || (Predictor == 3 && Kind != 'f')
            || (Predictor > 1 && Bits == 1))
        {
            throw Unsupported($"predictor {Predictor}, or its order of bits,");
        }

        IsPlanar = Limited(TiffTag.PlanarConfiguration, 1, 2, 1) == 2 && Samples > 1;
        Photometric = (int)Limited(TiffTag.PhotometricInterpretation, 0, ushort.MaxValue, 1);
        Channels = CountChannels();
    }

    /// <summary>What messages call the page.</summary>
    public string Place { get; }

    /// <summary>In pixels.</summary>
    public int Width { get; }

    /// <summary>In pixels.</summary>
    public int Height { get; }

    /// <summary>Samples of a pixel, as stored.</summary>
    public int Samples { get; }

    /// <summary>Of a sample: 1, 8, 16 or 32; with a sign not 1; of floats 16, 32 or 64.</summary>
    public int Bits { get; }

    /// <summary>'u' unsigned, 'i' signed, 'f' float.</summary>
    public char Kind { get; }

    /// <summary>Name of the type, as NumPy has it.</summary>
    public string Type => Bits == 1 ? "bool" : (Kind switch { 'u' => "uint", 'i' => "int", _ => "float" })
        + Bits.ToString(CultureInfo.InvariantCulture);

    /// <summary>The largest number of the type; null for floats.</summary>
    public double? TypeMaximum => Kind == 'f' ? null : Math.ScaleB(1, Kind == 'i' ? Bits - 1 : Bits) - 1;

    /// <summary>TIFF's number of the compression.</summary>
    public long Compression { get; }

    /// <summary>1 none, 2 differences between samples, 3 of floats by bytes.</summary>
    public int Predictor { get; }

    /// <summary>Whether each channel is stored by itself.</summary>
    public bool IsPlanar { get; }

    /// <summary>0 white is zero, 1 black is zero, 2 RGB, 3 palette.</summary>
    public int Photometric { get; }

    /// <summary>Whether samples are indices into a palette.</summary>
    public bool IsPalette => Photometric == 3;

    /// <summary>Whether 0 is white, which is turned round where there is no sign.</summary>
    public bool IsInverted => Photometric == 0 && Kind == 'u';

    /// <summary>Samples of a pixel that are read: all but alpha.</summary>
    public int Channels { get; }

    /// <summary>Bytes of a sample, once those of one bit are unpacked.</summary>
    public int SampleBytes => Math.Max(1, Bits / 8);

    /// <summary>Samples that lie together: 1 if channels are apart.</summary>
    public int SamplesTogether => IsPlanar ? 1 : Samples;

    /// <summary>Shape of the stored channels; a palette still has one.</summary>
    public ImageShape Shape => new(Channels, Height, Width);

    /// <summary>The palette: red, green and blue of all 256 values, 16 bits each.</summary>
    public long[] Palette
    {
        get
        {
            long[] map = _directory.Numbers(TiffTag.ColorMap);
            return map.Length == 768 ? map : throw FileFaults.Damaged(Place, "its palette is missing or too short");
        }
    }

    /// <summary>The same under another name.</summary>
    public TiffPage Named(string place) => new(_file, _directory, place);

    /// <summary>Bytes of a row as stored: of one channel if channels are apart. Rows begin with a byte.</summary>
    /// <param name="pixels">Of the row.</param>
    public long RowBytes(int pixels) => (((long)pixels * SamplesTogether * Bits) + 7) / 8;

    /// <summary>Strips as tiles as wide as the page.</summary>
    /// <returns>Width and height of a tile, in pixels, and where each lies; planes one after the other.</returns>
    /// <exception cref="DataException">There are not as many as there must be, or they cannot hold the
    /// pixels.</exception>
    public (int Width, int Height, long[] Offsets, long[] Lengths) Tiles()
    {
        bool isTiled = _directory.Has(TiffTag.TileOffsets);
        int width = isTiled ? Side(TiffTag.TileWidth) : Width;
        int height = isTiled
            ? Side(TiffTag.TileLength)
            : (int)Math.Clamp(_directory.Number(TiffTag.RowsPerStrip, Height), 1, Height);
        long across = (Width + width - 1) / width;
        long down = (Height + height - 1) / height;
        long count = across * down * (IsPlanar ? Samples : 1);
        long[] offsets = _directory.Numbers(isTiled ? TiffTag.TileOffsets : TiffTag.StripOffsets);
        long[] lengths = _directory.Numbers(isTiled ? TiffTag.TileByteCounts : TiffTag.StripByteCounts);
        long tileBytes = RowBytes(width) * height;
        if (offsets.Length < count || lengths.Length < count)
        {
            throw FileFaults.Damaged(Place, $"it has {offsets.Length} of {count} strips or tiles");
        }

        // Each within the file, so that sums of them are no larger than a number can be.
        if (Array.Exists(offsets, offset => offset > _file.Length)
            || Array.Exists(lengths, length => length > _file.Length))
        {
            throw FileFaults.Damaged(Place, "strips or tiles are outside the file");
        }

        long stored = lengths.Sum();
        // The last strip may be shorter than the others, a tile may not.
        long least = isTiled ? tileBytes * count : RowBytes(Width) * Height * (IsPlanar ? Samples : 1);
        if (tileBytes > Array.MaxLength || least > Array.MaxLength || stored > _file.Length
            || least > stored * TiffCompression.RatioMax(Compression))
        {
            throw FileFaults.Damaged(Place, $"{Width} x {Height} pixels do not fit into its bytes");
        }

        return (width, height, offsets, lengths);
    }

    private int CountChannels()
    {
        long[] extra = _directory.Numbers(TiffTag.ExtraSamples);
        int alphas = extra.Count(kind => kind is 1 or 2);
        switch (Photometric)
        {
            case 0 or 1 when Samples > alphas:
                return Samples - alphas;
            case 2 when Samples >= 3:
                return 3;
            case 3 when Bits == 8 && Kind == 'u':
                return 1;
            case >= 0 and <= 3:
                throw FileFaults.Damaged(Place, $"{Samples} samples of {Bits} bits do not fit its kind of colour");
            default:
                throw Unsupported($"colours of kind {Photometric}");
        }
    }

    private int Side(TiffTag tag) => (int)Limited(tag, 1, SideMax, null);

    private long Limited(TiffTag tag, long least, long largest, long? missing)
    {
        long value = _directory.Number(tag, missing);
        return value >= least && value <= largest
            ? value
            : throw FileFaults.Damaged(Place, $"{tag} is {value}, not from {least} to {largest}");
    }

    private DataException Unsupported(string what) => new(
        $"{Place}: {what} cannot be read.",
        "Save it with integers of 8, 16 or 32 bits or floats, grey, RGB or palette, uncompressed or with LZW, "
        + "Deflate, PackBits or ZSTD.");
}
