using System.Globalization;
using System.Text;
using Distributed.Framework.Data.Arrays;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Tiff;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data;

/// <summary>A file of one picture or more, and how results of them are stored as a file of the same kind.</summary>
/// <remarks>
/// Results are stored as the type that was read if that is of 8 or 16 bits without a sign, rounded and clamped to it;
/// else as 32-bit floats, which are neither. Either way in the numbers of the input, whatever the range. Pixels of
/// TIFF, PNG, PNM and .npy stay in the file until they are asked for.
/// </remarks>
public sealed class StoredPictures
{
    private readonly ImageContent _content;

    private StoredPictures(IReadOnlyList<StoredPicture> pictures, DataDescription description, ImageContent content)
    {
        Pictures = pictures;
        Description = description;
        _content = content;
    }

    /// <summary>In the order of the file: of hyperstacks the depths of each frame, channels together.</summary>
    public IReadOnlyList<StoredPicture> Pictures { get; }

    /// <summary>What was read.</summary>
    public DataDescription Description { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">PNG, PGM, PPM, TIFF, .npy, or another file of images that training reads.</param>
    /// <param name="low">The stored number that becomes 0; null for the type's own.</param>
    /// <param name="high">The stored number that becomes 1; null for the type's own.</param>
    /// <param name="scratch">
    /// For the pixels of a PNG picture, which stay in memory without; used as long as the pictures are.
    /// </param>
    /// <exception cref="DataException">It is missing, damaged, of no known kind, or holds pairs.</exception>
    /// <exception cref="ConfigurationException">The range is no interval.</exception>
    public static StoredPictures Read(
        string path, double? low = null, double? high = null, PictureScratch? scratch = null)
    {
        ValueRange range = new(low, high);
        ReadRequest request = new(range, IsValidation: false, IsClean: true) { Scratch = scratch };
        ImageContent content = SourceReader.Read(path, request);
        if (content.Targets is not null)
        {
            throw new DataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{path} holds {content.Images.Sum(block => block.Images)} pairs of images, not pictures."),
                "Give one side of the pairs.");
        }

        DataDescription description = SourceDescriber.Describe(content, pairs: null, range, noise: null);
        float[] table = range.ByteTable();
        StoredPicture[] pictures =
        [
            .. content.Images.SelectMany(block => Enumerable.Range(0, block.Images)
                .Select(inside => StoredPicture.Of(block, inside, range, table))),
        ];
        return new StoredPictures(pictures, description, content);
    }

    /// <summary>
    /// An array [N, H, W] as one picture [C, H, W], which only who knows the channels can tell apart; null if it is
    /// something else.
    /// </summary>
    public StoredPictures? AsChannels()
    {
        StoredPicture first = Pictures[0];
        if (!_content.IsPlainArray || Pictures.Count < 2)
        {
            return null;
        }

        StoredPicture joined = first with
        {
            Shape = first.Shape with { C = Pictures.Count },
            Reader = (top, left, part, values) =>
            {
                ImageShape plane = part with { C = 1 };
                for (int c = 0; c < part.C; c++)
                {
                    Pictures[c].Reader(top, left, plane, values.Slice(c * plane.Elements, plane.Elements));
                }
            },
        };
        return new StoredPictures([joined], Description, _content);
    }

    /// <summary>
    /// An array that was read as [N, H, W] as one picture [H, W, C]: with a last size of at most 4 where the others are
    /// larger, it is one. Null if it is something else.
    /// </summary>
    public StoredPictures? AsChannelsLast()
    {
        StoredPicture first = Pictures[0];
        (int rows, int columns, int channels) = (Pictures.Count, first.Shape.H, first.Shape.W);
        if (!_content.IsPlainArray || channels > NumericArray.ChannelsMax
            || Math.Min(rows, columns) <= NumericArray.ChannelsMax)
        {
            return null;
        }

        StoredPicture joined = first with
        {
            Shape = new ImageShape(channels, rows, columns),
            Reader = (top, left, part, values) =>
            {
                float[] row = new float[part.W * channels];
                for (int y = 0; y < part.H; y++)
                {
                    Pictures[top + y].Reader(left, 0, new ImageShape(1, part.W, channels), row);
                    for (int i = 0; i < row.Length; i++)
                    {
                        values[(((i % channels * part.H) + y) * part.W) + (i / channels)] = row[i];
                    }
                }
            },
        };
        return new StoredPictures([joined], Description, _content with { ChannelsAreLast = true });
    }

    /// <summary>A TIFF file for results, with the axes of the input.</summary>
    /// <param name="stream">Where it goes: empty, and can be sought in.</param>
    /// <param name="isBig">Whether it is BigTIFF; null for what may pass 4 GB.</param>
    public PictureOutput CreateTiff(Stream stream, bool? isBig = null)
    {
        ImageShape first = Pictures[0].Shape;
        bool isRgb = first.C == 3 && _content.Axes is not { Channels: > 1 };
        string description = StackDescription.Write(
            _content.Axes, isRgb ? 1 : first.C, Pictures.Count, _content.Notes?.Lines ?? []);
        isBig ??= TiffEncoder.NeedsBig(
            Pictures.Sum(picture => (long)picture.Shape.C),
            Pictures.Sum(picture => (long)picture.Shape.Elements * picture.StoredBytes));
        IEnumerable<TiffOutputPage> pages = Pictures.SelectMany(picture => Enumerable.Repeat(
            new TiffOutputPage(picture.Shape with { C = isRgb ? picture.Shape.C : 1 }, picture.StoredBytes * 8),
            isRgb ? 1 : picture.Shape.C));
        TiffText text = new(description, _content.Notes?.Resolution);
        List<long> starts = TiffEncoder.Write(stream, pages, text, isBig.Value);
        return new PictureOutput(stream, Pictures, starts, isInterleaved: isRgb);
    }

    /// <summary>A .npy file for results: [N, C, H, W], or [N, H, W, C] as the input, without N and C of 1.</summary>
    /// <param name="stream">Where it goes: empty, and can be sought in.</param>
    /// <exception cref="DataException">Pictures differ in size.</exception>
    public PictureOutput CreateNpy(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        StoredPicture first = Pictures[0];
        if (Pictures.Any(picture => picture.Shape != first.Shape))
        {
            throw new DataException("The pictures differ in size: an array cannot hold them.", "Write them as TIFF.");
        }

        (int c, int h, int w) = first.Shape;
        bool isInterleaved = _content.ChannelsAreLast && c > 1;
        int[] sizes = isInterleaved ? [Pictures.Count, h, w, c] : [Pictures.Count, c, h, w];
        int kept = isInterleaved ? 1 : 2;
        string shape = string.Join(", ", sizes.Where((size, axis) => size > 1 || axis >= kept));
        string type = first.StoredBytes switch { 1 => "|u1", 2 => "<u2", _ => "<f4" };
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}";
        header = header.PadRight(((header.Length + 11 + 63) / 64 * 64) - 11) + "\n";
        stream.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8)]);
        stream.Write(Encoding.Latin1.GetBytes(header));
        long start = stream.Position;
        long stepBytes = (long)h * w * (isInterleaved ? c : 1) * first.StoredBytes;
        int steps = Pictures.Count * (isInterleaved ? 1 : c);
        List<long> starts = [.. Enumerable.Range(0, steps).Select(step => start + (step * stepBytes))];
        return new PictureOutput(stream, Pictures, starts, isInterleaved);
    }

    /// <summary>The pixels of a PNG picture for the result of the first picture: [H, W, C].</summary>
    /// <param name="pixels">Where they go: can be sought in. <see cref="WritePng"/> makes the picture of them.</param>
    public PictureOutput CreatePng(Stream pixels) => new(
        pixels, Pictures, [0], isInterleaved: true, isBigEndian: true, isWhole: true);

    /// <summary>Writes a PNG picture of pixels that are there.</summary>
    /// <param name="pixels">As <see cref="CreatePng"/> has written them.</param>
    /// <param name="stream">Where the picture goes.</param>
    public void WritePng(Stream pixels, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(stream);
        pixels.Position = 0;
        (int c, int h, int w) = Pictures[0].Shape;
        PngEncoder.Encode(pixels, w, h, c, Pictures[0].Bits, stream);
    }

    /// <summary>Writes results that are in memory.</summary>
    /// <param name="stream">Where they go: empty, and can be sought in.</param>
    /// <param name="results">[C, H, W] of each picture, as networks give them.</param>
    /// <param name="isBig">Whether the file is BigTIFF; null for what may pass 4 GB.</param>
    /// <returns>How many values did not fit the type, and were clamped.</returns>
    public long WriteTiff(Stream stream, IReadOnlyList<float[]> results, bool? isBig = null)
    {
        ArgumentNullException.ThrowIfNull(results);
        PictureOutput output = CreateTiff(stream, isBig);
        for (int i = 0; i < results.Count; i++)
        {
            output.Write(i, 0, 0, Pictures[i].Shape, results[i]);
        }

        return output.Clamped;
    }
}
