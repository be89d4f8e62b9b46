using Distributed.Framework.Data;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Pictures;

/// <summary>Formats of denoised pictures, by the names of files.</summary>
internal static class OutputFormat
{
    /// <summary>One picture, grey or RGB, of 8 or 16 bits.</summary>
    public const string Png = "png";

    /// <summary>Stacks of any type.</summary>
    public const string Tiff = "tiff";

    /// <summary>Arrays of any type.</summary>
    public const string Npy = "npy";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Names { get; } = [Png, Tiff, Npy];

    /// <summary>The format that a name says; null if it says none.</summary>
    public static string? Find(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".png" => Png,
        ".tif" or ".tiff" => Tiff,
        ".npy" => Npy,
        _ => null,
    };

    /// <summary>The format of an output: as asked for, as it is named, or as the input is.</summary>
    /// <exception cref="ConfigurationException">The name is of another format.</exception>
    public static string Choose(string input, string output, string? asked)
    {
        string? named = Find(output);
        bool isOther = named is null && (StoredPicture.HasName(output) || StoredPicture.HasUnreadName(output));
        if (isOther || (asked is not null && named is not null && named != asked))
        {
            string format = asked ?? Find(input) ?? Png;
            throw new ConfigurationException(
                $"{output} has the name of another format; {(asked ?? "PNG, TIFF or .npy")} is written, nothing else.",
                $"Name it {Path.GetFileName(Path.ChangeExtension(output, Extension(format)))}; nothing was written.");
        }

        return asked ?? named ?? Find(input) ?? Png;
    }

    /// <summary>What a picture of a folder becomes: its own name, or with another ending.</summary>
    public static string NameOf(string input, string? asked)
    {
        string format = asked ?? Find(input) ?? Png;
        return Find(input) == format
            ? Path.GetFileName(input)
            : Path.GetFileNameWithoutExtension(input) + Extension(format);
    }

    private static string Extension(string format) => format == Tiff ? ".tif" : "." + format;
}
