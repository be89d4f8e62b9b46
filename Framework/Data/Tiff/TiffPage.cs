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
        uint[] bits = directory.Numbers(TiffTag.BitsPerSample);
        Bits = bits.Length == 0 ? 1 : (int)Math.Min(bits[0], 1024);
        uint[] formats = directory.Numbers(TiffTag.SampleFormat);
        IsFloat = formats.Length > 0 && formats[0] == 3;
        bool isSigned = formats.Length > 0 && formats[0] == 2;
        bool isMixed = Array.Exists(bits, other => other != bits[0])
            || Array.Exists(formats, other => other != formats[0]);
        if (isMixed || isSigned || (formats.Length > 0 && formats[0] > 4)
            || !(IsFloat ? Bits is 32 or 64 : Bits is 8 or 16))
        {
            string kind = isMixed ? "mixed" : isSigned ? "signed" : IsFloat ? "float" : "integer";
            throw Unsupported(string.Create(CultureInfo.InvariantCulture, $"samples of {Bits} bits, {kind},"));
        }

        Compression = directory.Number(TiffTag.Compression, TiffCompression.None);
        if (TiffCompression.RatioMax(Compression) == 0)
        {
            string name = Compression is 6 or 7 ? " (JPEG)" : "";
            throw Unsupported(string.Create(CultureInfo.InvariantCulture, $"compression {Compression}{name}"));
        }

        Predictor = (int)Limited(TiffTag.Predictor, 1, 3, 1);
        if (directory.Number(TiffTag.FillOrder, 1) != 1 || (Predictor == 3) != (Predictor > 1 && IsFloat))
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

    /// <summary>Of a sample: 8 or 16; of floats 32 or 64.</summary>
    public int Bits { get; }

    /// <summary>Whether samples are floats.</summary>
    public bool IsFloat { get; }

    /// <summary>TIFF's number of the compression.</summary>
    public long Compression { get; }

    /// <summary>1 none, 2 differences between samples, 3 of floats by bytes.</summary>
    public int Predictor { get; }

    /// <summary>Whether each channel is stored by itself.</summary>
    public bool IsPlanar { get; }

    /// <summary>0 white is zero, 1 black is zero, 2 RGB, 3 palette.</summary>
    public int Photometric { get; }

    /// <summary>Samples of a pixel that are read: all but alpha.</summary>
    public int Channels { get; }

    /// <summary>Bytes of a sample.</summary>
    public int SampleBytes => Bits / 8;

    /// <summary>Samples that lie together: 1 if channels are apart.</summary>
    public int SamplesTogether => IsPlanar ? 1 : Samples;

    /// <summary>Shape of the stored channels; a palette still has one.</summary>
    public ImageShape Shape => new(Channels, Height, Width);

    /// <summary>The palette: red, green and blue of all 256 values, 16 bits each.</summary>
    public uint[] Palette
    {
        get
        {
            uint[] map = _directory.Numbers(TiffTag.ColorMap);
            return map.Length == 768 ? map : throw FileFaults.Damaged(Place, "its palette is missing or too short");
        }
    }

    /// <summary>The same under another name.</summary>
    public TiffPage Named(string place) => new(_file, _directory, place);

    /// <summary>Strips as tiles as wide as the page.</summary>
    /// <returns>Width and height of a tile, in pixels, and where each lies; planes one after the other.</returns>
    /// <exception cref="DataException">There are not as many as there must be, or they cannot hold the
    /// pixels.</exception>
    public (int Width, int Height, uint[] Offsets, uint[] Lengths) Tiles()
    {
        bool isTiled = _directory.Has(TiffTag.TileOffsets);
        int width = isTiled ? Side(TiffTag.TileWidth) : Width;
        int height = isTiled
            ? Side(TiffTag.TileLength)
            : (int)Math.Clamp(_directory.Number(TiffTag.RowsPerStrip, Height), 1, Height);
        long across = (Width + width - 1) / width;
        long down = (Height + height - 1) / height;
        long count = across * down * (IsPlanar ? Samples : 1);
        uint[] offsets = _directory.Numbers(isTiled ? TiffTag.TileOffsets : TiffTag.StripOffsets);
        uint[] lengths = _directory.Numbers(isTiled ? TiffTag.TileByteCounts : TiffTag.StripByteCounts);
        long tileBytes = (long)width * height * SamplesTogether * SampleBytes;
        long stored = lengths.Sum(length => (long)length);
        if (offsets.Length < count || lengths.Length < count)
        {
            throw FileFaults.Damaged(Place, $"it has {offsets.Length} of {count} strips or tiles");
        }

        // The last strip may be shorter than the others, a tile may not.
        long least = isTiled ? tileBytes * count : (long)Width * Height * Samples * SampleBytes;
        if (tileBytes > Array.MaxLength || least > Array.MaxLength || stored > _file.Length
            || least > stored * TiffCompression.RatioMax(Compression))
        {
            throw FileFaults.Damaged(Place, $"{Width} x {Height} pixels do not fit into its bytes");
        }

        return (width, height, offsets, lengths);
    }

    private int CountChannels()
    {
        uint[] extra = _directory.Numbers(TiffTag.ExtraSamples);
        int alphas = extra.Count(kind => kind is 1 or 2);
        switch (Photometric)
        {
            case 0 or 1 when Samples > alphas:
                return Samples - alphas;
            case 2 when Samples >= 3:
                return 3;
            case 3 when Bits == 8:
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
        "Save it with 8 or 16 bit integers or floats, grey, RGB or palette, uncompressed or with LZW, Deflate "
        + "or PackBits.");
}
