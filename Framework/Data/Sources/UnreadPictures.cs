using System.Globalization;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pictures of a folder that are of a format that is not read, by the endings of their names.</summary>
internal static class UnreadPictures
{
    private static readonly string[] s_extensions =
    [
        ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".jxl", ".webp", ".gif", ".bmp", ".heic", ".heif", ".avif", ".exr",
        ".hdr", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".fits", ".fit", ".nd2", ".czi",
    ];

    /// <summary>What to do about them.</summary>
    public static string Remedy => "Convert them to PNG (or TIFF, PGM, PPM) to use them; of a JPEG better the camera's "
        + "raw data, since its compression has changed the noise.";

    /// <summary>Whether a file has the name of one.</summary>
    public static bool HasName(string path) => s_extensions.Contains(Path.GetExtension(path).ToLowerInvariant());

    /// <summary>How many of which kind are in the folder, as in "3 .jpg, 1 .webp"; null if there are none.</summary>
    public static string? Count(string folder)
    {
        string[] kinds =
        [
            .. Directory.EnumerateFiles(folder)
                .Where(HasName)
                .GroupBy(file => Path.GetExtension(file).ToLowerInvariant())
                .OrderByDescending(group => group.Count())
                .ThenBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Count()} {group.Key}")),
        ];
        return kinds.Length == 0 ? null : string.Join(", ", kinds);
    }

    /// <summary>One line about those of a source that is read without them; null if there are none.</summary>
    /// <exception cref="Errors.DataException">A folder may not be read.</exception>
    public static string? Describe(string path)
    {
        if (!Directory.Exists(path))
        {
            return null;
        }

        string[] lines =
        [
            .. new[] { path, Path.Combine(path, "a"), Path.Combine(path, "b") }
                .Where(Directory.Exists)
                .Select(folder => (Folder: folder, Found: FileFaults.Guarded(folder, () => Count(folder))))
                .Where(pair => pair.Found is not null)
                .Select(pair => $"{pair.Folder}: pictures that are not read are passed over: {pair.Found}."),
        ];
        return lines.Length == 0 ? null : $"{string.Join(' ', lines)} {Remedy}";
    }
}
