using System.Globalization;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>The PNG pictures of a folder, or a single one, decoded at opening and kept as bytes.</summary>
/// <remarks>Ordered by file name, character codes compared. Sizes may differ, channels may not.</remarks>
public sealed class FolderImages : ImageSet
{
    private const long BytesMax = 8L << 30;
    private readonly List<(string Path, ImageShape Shape, byte[] Planes)> _images = [];
    private readonly float[] _table;

    /// <summary>Decodes all pictures.</summary>
    /// <exception cref="DataException">The folder has none, or one of them cannot be read or is of another
    /// kind.</exception>
    internal FolderImages(string path, ValueRange range)
    {
        _table = range.ByteTable();
        long bytes = 0;
        foreach (string file in Files(path))
        {
            PngImage picture = PngDecoder.Decode(file);
            ImageShape shape = new(picture.Channels, picture.Height, picture.Width);
            if (_images.Count > 0 && _images[0].Shape.C != shape.C)
            {
                throw new DataException(
                    $"{file} has {shape.C} channels, but {_images[0].Path} has {_images[0].Shape.C}.",
                    "Put grey and colour pictures into separate folders, or convert them.");
            }

            bytes += picture.Pixels.Length;
            if (bytes > BytesMax)
            {
                throw new DataException(
                    $"{path}: the pictures before and with {file} fill more than {BytesMax} bytes of memory.",
                    "Use fewer or smaller pictures.");
            }

            _images.Add((file, shape, ToPlanes(picture)));
        }
    }

    /// <inheritdoc/>
    public override int Count => _images.Count;

    /// <inheritdoc/>
    public override string NameOf(int index) => _images[index].Path;

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int index) => _images[index].Shape;

    /// <inheritdoc/>
    public override void ReadWindow(int index, int top, int left, ImageShape window, Span<float> destination) =>
        CopyBytes(_images[index].Planes, _images[index].Shape, _table, top, left, window, destination);

    /// <inheritdoc/>
    public override void WriteContent(Stream target)
    {
        ArgumentNullException.ThrowIfNull(target);
        foreach ((string _, ImageShape shape, byte[] planes) in _images)
        {
            WriteLine(target, string.Create(CultureInfo.InvariantCulture, $"uint8 {shape.C} {shape.H} {shape.W}"));
            target.Write(planes);
        }
    }

    private static string[] Files(string path)
    {
        if (!Directory.Exists(path))
        {
            return [path];
        }

        try
        {
            string[] files = [.. Directory.EnumerateFiles(path)
                .Where(file => file.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
                .OrderBy(Path.GetFileName, StringComparer.Ordinal)];
            return files.Length > 0
                ? files
                : throw new DataException($"{path} holds no PNG picture.", "Name a folder with .png files in it.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: {exception.Message}", "Check that the folder may be read.", exception);
        }
    }

    private static byte[] ToPlanes(PngImage picture)
    {
        if (picture.Channels == 1)
        {
            return picture.Pixels;
        }

        int pixels = picture.Width * picture.Height;
        byte[] planes = new byte[picture.Pixels.Length];
        for (int c = 0; c < picture.Channels; c++)
        {
            for (int i = 0; i < pixels; i++)
            {
                planes[(c * pixels) + i] = picture.Pixels[(i * picture.Channels) + c];
            }
        }

        return planes;
    }
}
