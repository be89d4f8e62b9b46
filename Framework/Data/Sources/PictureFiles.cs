using System.Buffers.Binary;
using System.Globalization;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Data.Pnm;
using Distributed.Framework.Data.Tiff;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pictures of all formats: which files are some, and what is in them.</summary>
internal static class PictureFiles
{
    private const int StartBytes = 16;
    private static readonly string[] s_extensions = [".png", ".pgm", ".ppm", ".pnm", ".tif", ".tiff"];

    /// <summary>Whether a file has the name of a picture; in a folder, others are passed over.</summary>
    public static bool HasPictureName(string path) =>
        Array.Exists(s_extensions, extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a file begins like a picture, by its content alone.</summary>
    /// <exception cref="DataException">It cannot be read, or is a JPEG.</exception>
    public static bool IsPicture(string path)
    {
        byte[] start = FileFaults.Start(path, StartBytes);
        return start is [0xFF, 0xD8, 0xFF, ..]
            ? throw new DataException(
                $"{path} is a JPEG picture, which is not read: its compression has changed the noise.",
                "Use the camera's raw data; or convert it to PNG, if it is to be taken as it is.")
            : IsPng(start) || PnmDecoder.Begins(start) || TiffDecoder.Begins(start);
    }

    /// <summary>Reads a file: the pages of a TIFF, or one picture.</summary>
    /// <exception cref="DataException">It is damaged, or of no known kind.</exception>
    public static List<ImageBlock> Read(string path, ValueRange range)
    {
        if (!IsPicture(path))
        {
            throw new DataException(
                $"{path} is no picture that can be read.", "Convert it to PNG, PGM, PPM or TIFF.");
        }

        byte[] file = FileFaults.ReadAllBytes(path);
        return FileFaults.Guarded(path, () =>
            IsPng(file) ? [ReadPng(file, path, range)]
            : TiffDecoder.Begins(file) ? TiffDecoder.Decode(file, path, range)
            : [PnmDecoder.Decode(file, path, range)]);
    }

    private static bool IsPng(ReadOnlySpan<byte> start) => start.StartsWith(PngFormat.Signature[..4]);

    private static ImageBlock ReadPng(byte[] file, string path, ValueRange range)
    {
        PngSamples samples = PngDecoder.DecodeSamples(new MemoryStream(file), path);
        ImageShape shape = new(samples.Channels, samples.Height, samples.Width);
        if (samples.Bits == 8)
        {
            return ImageBlock.OfBytes(path, null, shape, Planes.FromInterleaved(samples.Bytes, shape));
        }

        float[] values = new float[shape.Elements];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = BinaryPrimitives.ReadUInt16BigEndian(samples.Bytes.AsSpan(2 * i));
        }

        return ImageBlock.OfNumbers(
            path, "uint16", null, shape, Planes.FromInterleaved(values, shape), ushort.MaxValue, range);
    }
}

/// <summary>Folders of pictures, and pairs among them.</summary>
/// <remarks>
/// Pairs are: the files of equal names in folders a and b; NAME_a and NAME_b, if all names end so; pages 2 k and
/// 2 k + 1 of TIFF files, if no noise was asked for and every file has an even number of pages. Anything else is clean
/// images. Files are taken in the order of their names, character codes compared.
/// </remarks>
internal static class PictureFolder
{
    private const string FirstEnding = "_a";
    private const string SecondEnding = "_b";

    /// <summary>Reads a folder or a single picture.</summary>
    /// <param name="path">Of the folder or file.</param>
    /// <param name="range">Which values become 0 and 1.</param>
    /// <param name="pagesArePairs">Whether TIFF pages may be pairs.</param>
    /// <exception cref="DataException">There is no picture, or one of them cannot be read or lacks its
    /// partner.</exception>
    public static ImageContent Read(string path, ValueRange range, bool pagesArePairs)
    {
        if (!Directory.Exists(path))
        {
            return FromPages([PictureFiles.Read(path, range)], pagesArePairs);
        }

        (string first, string second) = (Path.Combine(path, "a"), Path.Combine(path, "b"));
        if (Directory.Exists(first) && Directory.Exists(second))
        {
            return ReadPairs(Files(first), Files(second), Path.GetFileName, range);
        }

        string[] files = Files(path);
        string[] firsts = [.. files.Where(file => Stem(file).EndsWith(FirstEnding, StringComparison.Ordinal))];
        string[] seconds = [.. files.Where(file => Stem(file).EndsWith(SecondEnding, StringComparison.Ordinal))];
        if (firsts.Length > 0 && firsts.Length + seconds.Length == files.Length)
        {
            return ReadPairs(firsts, seconds, file => Stem(file)[..^FirstEnding.Length], range);
        }

        List<List<ImageBlock>> pictures = [];
        long bytes = 0;
        foreach (string file in files)
        {
            pictures.Add(Limited(PictureFiles.Read(file, range), ref bytes));
        }

        return FromPages(pictures, pagesArePairs);
    }

    private static ImageContent FromPages(List<List<ImageBlock>> files, bool pagesArePairs)
    {
        List<ImageBlock> pages = [.. files.SelectMany(file => file)];
        if (!pagesArePairs || !files.TrueForAll(file => file.Count % 2 == 0))
        {
            return new ImageContent(pages);
        }

        return new ImageContent([.. pages.Where((_, i) => i % 2 == 0)])
        {
            Targets = [.. pages.Where((_, i) => i % 2 == 1)],
        };
    }

    private static ImageContent ReadPairs(
        string[] firsts, string[] seconds, Func<string, string?> nameOf, ValueRange range)
    {
        string?[] names = [.. firsts.Select(nameOf)];
        string?[] others = [.. seconds.Select(nameOf)];
        string[] lonely =
        [
            .. firsts.Where(file => !others.Contains(nameOf(file))),
            .. seconds.Where(file => !names.Contains(nameOf(file))),
        ];
        if (lonely.Length > 0 || names.Distinct().Count() < names.Length || names.Length != others.Length)
        {
            string file = lonely.Length > 0 ? lonely[0] : firsts[0];
            throw new DataException(
                $"{file} has no partner, or more than one: {firsts.Length} first and {seconds.Length} second pictures.",
                "Give each picture one partner: equal names in folders a and b, or NAME_a and NAME_b.");
        }

        List<ImageBlock> inputs = [];
        List<ImageBlock> targets = [];
        long bytes = 0;
        foreach (string first in firsts)
        {
            inputs.AddRange(Limited(PictureFiles.Read(first, range), ref bytes));
            string second = Array.Find(seconds, file => nameOf(file) == nameOf(first))!;
            targets.AddRange(Limited(PictureFiles.Read(second, range), ref bytes));
            if (inputs.Count != targets.Count)
            {
                throw new DataException(
                    $"{first} and {second} have different numbers of pages.", "Give both sides as many pages.");
            }
        }

        return new ImageContent(inputs) { Targets = targets };
    }

    private static List<ImageBlock> Limited(List<ImageBlock> pages, ref long bytes)
    {
        bytes += pages.Sum(page => page.MemoryBytes);
        return bytes <= BlockImages.BytesMax
            ? pages
            : throw new DataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The pictures before and with {pages[0].Name} fill more than {BlockImages.BytesMax} bytes "
                    + $"of memory."),
                "Use fewer or smaller pictures.");
    }

    private static string[] Files(string path) => FileFaults.Guarded(path, () =>
    {
        string[] files = [.. Directory.EnumerateFiles(path)
            .Where(PictureFiles.HasPictureName)
            .OrderBy(Path.GetFileName, StringComparer.Ordinal)];
        return files.Length > 0
            ? files
            : UnreadPictures.Count(path) is { } unread
                ? throw new DataException(
                    $"{path} holds no picture that can be read: {unread}.", UnreadPictures.Remedy)
                : throw new DataException(
                    $"{path} holds no picture that can be read.",
                    "Name a folder with .png, .pgm, .ppm or .tif files in it; JPEG is not read.");
    });

    private static string Stem(string path) => Path.GetFileNameWithoutExtension(path);
}
