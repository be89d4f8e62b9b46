using System.Globalization;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Data.Tiff;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Folders of pictures, and pairs among them.</summary>
/// <remarks>
/// Pairs are: the files of equal names in folders a and b; NAME_a and NAME_b, if all names end so; frames of TIFF
/// files, if no noise was asked for (<see cref="StackPairs"/>). Anything else is clean images. Files are
/// taken in the order of their names, character codes compared.
/// </remarks>
internal static class PictureFolder
{
    private const string FirstEnding = "_a";
    private const string SecondEnding = "_b";
    private const int FoldersShownMax = 4;

    /// <summary>Reads a folder or a single picture.</summary>
    /// <param name="path">Of the folder or file.</param>
    /// <param name="request">How.</param>
    /// <exception cref="DataException">There is no picture, or one of them cannot be read or lacks its
    /// partner.</exception>
    public static ImageContent Read(string path, ReadRequest request)
    {
        PictureReading reading = new(request.Range, new DataMemory(request.MemoryMax), request.Scratch);
        if (!Directory.Exists(path))
        {
            return StackPairs.Find([PictureFiles.Read(path, reading)], path, request);
        }

        (string first, string second) = (Path.Combine(path, "a"), Path.Combine(path, "b"));
        if (Directory.Exists(first) && Directory.Exists(second))
        {
            return ReadPairs(Files(first), Files(second), Path.GetFileName, reading) with
            {
                Pairing = "pairs are the files of equal names in folders a and b",
            };
        }

        string[] files = Files(path);
        string[] firsts = [.. files.Where(file => Stem(file).EndsWith(FirstEnding, StringComparison.Ordinal))];
        string[] seconds = [.. files.Where(file => Stem(file).EndsWith(SecondEnding, StringComparison.Ordinal))];
        if (firsts.Length > 0 && firsts.Length + seconds.Length == files.Length)
        {
            return ReadPairs(firsts, seconds, file => Stem(file)[..^FirstEnding.Length], reading) with
            {
                Pairing = "pairs are NAME_a and NAME_b",
            };
        }

        return StackPairs.Find([.. files.Select(file => PictureFiles.Read(file, reading))], path, request);
    }

    private static ImageContent ReadPairs(
        string[] firsts, string[] seconds, Func<string, string?> nameOf, PictureReading reading)
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
        foreach (string first in firsts)
        {
            inputs.AddRange(PictureFiles.Read(first, reading).Images);
            string second = Array.Find(seconds, file => nameOf(file) == nameOf(first))!;
            targets.AddRange(PictureFiles.Read(second, reading).Images);
            if (inputs.Count != targets.Count)
            {
                throw new DataException(
                    $"{first} and {second} have different numbers of pages.", "Give both sides as many pages.");
            }
        }

        return new ImageContent(inputs) { Targets = targets };
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
                    $"{path} holds no picture that can be read{Folders(path)}.",
                    "Name a folder with .png, .pgm, .ppm or .tif files in it; JPEG is not read. Noisy pairs are in "
                    + "folders a and b below the one that is named.");
    });

    /// <summary>Folders with pictures that lie one level deeper, for whoever named the one above.</summary>
    private static string Folders(string path)
    {
        string[] below =
        [
            .. Directory.EnumerateDirectories(path)
                .Order(StringComparer.Ordinal)
                .Select(folder => (
                    Name: Path.GetFileName(folder),
                    Count: Directory.EnumerateFiles(folder).Count(PictureFiles.HasPictureName)))
                .Where(folder => folder.Count > 0)
                .Take(FoldersShownMax)
                .Select(folder => string.Create(
                    CultureInfo.InvariantCulture, $"{folder.Name} ({folder.Count} pictures)")),
        ];
        return below.Length == 0 ? "" : $"; below it are {string.Join(", ", below)}";
    }

    private static string Stem(string path) => Path.GetFileNameWithoutExtension(path);
}
