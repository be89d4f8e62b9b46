using Distributed.Framework.Data.Png;
using Distributed.Framework.Data.Pnm;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Data.Tiff;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pictures of all formats: which files are some, and what is in them.</summary>
internal static class PictureFiles
{
    private const int StartBytes = 16;
    private static readonly string[] s_extensions = [".png", ".pgm", ".ppm", ".pnm", ".tif", ".tiff"];

    /// <summary>Whether a file has the name of a picture; in a folder, others are passed over.</summary>
    /// <remarks>So are files that macOS leaves beside others on foreign disks: their names begin with "._".</remarks>
    public static bool HasPictureName(string path) =>
        !Path.GetFileName(path).StartsWith("._", StringComparison.Ordinal)
        && Array.Exists(s_extensions, extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

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
    public static PictureStack Read(string path, PictureReading reading)
    {
        if (!IsPicture(path))
        {
            throw new DataException(
                $"{path} is no picture that can be read.", "Convert it to PNG, PGM, PPM or TIFF.");
        }

        byte[] start = FileFaults.Start(path, StartBytes);
        return FileFaults.Guarded(path, () => TiffDecoder.Begins(start)
            ? TiffDecoder.Decode(new FileBytes(path), path, reading.Range, reading.Memory)
            : PictureStack.OfPages(
                [IsPng(start) ? PngBlock.Read(path, reading) : PnmBlock.Read(path, reading)]));
    }

    private static bool IsPng(ReadOnlySpan<byte> start) => start.StartsWith(PngFormat.Signature[..4]);
}

/// <summary>How pictures are read.</summary>
/// <param name="Range">Which values become 0 and 1.</param>
/// <param name="Memory">Where their pixels may be.</param>
/// <param name="Scratch">Where those of one compressed picture may be otherwise; null for memory.</param>
internal sealed record PictureReading(ValueRange Range, DataMemory Memory, PictureScratch? Scratch = null);
