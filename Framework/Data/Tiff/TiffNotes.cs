using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Distributed.Framework.Data.Tiff;

/// <summary>What a file says of lengths, times and brightness: what results keep of it.</summary>
/// <remarks>
/// ImageJ: lines KEY=VALUE of the description, and TIFF's own resolution, which is in the unit that the description
/// names. OME: PhysicalSizeX, Y and Z of the first Pixels element, in micrometres unless they say otherwise; they
/// become what ImageJ writes. Sources: ImageJ 1.54 (ij.io.TiffEncoder), OME-TIFF specification 6.
/// </remarks>
/// <param name="Resolution">Pixels per unit; null if it is not known.</param>
/// <param name="Lines">KEY=VALUE, as ImageJ writes them.</param>
/// <param name="Shown">The stored numbers that ImageJ shows as black and white; null if it does not say.</param>
internal sealed partial record TiffNotes(
    TiffResolution? Resolution, IReadOnlyList<string> Lines, (double Black, double White)? Shown)
{
    private const double Parts = 1e6;
    private static readonly string[] s_kept =
        ["unit", "yunit", "zunit", "spacing", "finterval", "tunit", "fps", "min", "max"];

    /// <summary>Reads them from the first page.</summary>
    /// <exception cref="Errors.DataException">The directory is damaged.</exception>
    public static TiffNotes Read(TiffDirectory directory)
    {
        string description = directory.Text(TiffTag.ImageDescription);
        TiffResolution? resolution = null;
        if (directory.Fraction(TiffTag.XResolution) is { } x && directory.Fraction(TiffTag.YResolution) is { } y)
        {
            int unit = (int)Math.Clamp(directory.Number(TiffTag.ResolutionUnit, 2), 1, 3);
            resolution = new TiffResolution(x, y, unit);
        }

        if (description.StartsWith("ImageJ=", StringComparison.Ordinal))
        {
            string[] lines = [.. LinePattern().Matches(description)
                .Where(match => s_kept.Contains(match.Groups[1].Value))
                .Select(match => match.Value)];
            return new TiffNotes(resolution, lines, Number("min") is { } low && Number("max") is { } high && high > low
                ? (low, high)
                : null);

            double? Number(string key) => lines
                .Where(line => line.StartsWith(key + "=", StringComparison.Ordinal))
                .Select(line => Parse(line[(key.Length + 1)..]))
                .FirstOrDefault();
        }

        return description.Contains("<OME", StringComparison.Ordinal)
            && StackAxes.PixelsPattern().Match(description) is { Success: true } pixels
            ? OfOme(pixels.Groups[1].Value, resolution)
            : new TiffNotes(resolution, [], null);
    }

    private static TiffNotes OfOme(string attributes, TiffResolution? resolution)
    {
        Dictionary<string, string> values = [];
        foreach (Match match in AttributePattern().Matches(attributes))
        {
            values.TryAdd(match.Groups[1].Value, match.Groups[2].Value);
        }

        double? width = Size("PhysicalSizeX");
        double? height = Size("PhysicalSizeY") ?? width;
        if (width is null)
        {
            return new TiffNotes(resolution, [], null);
        }

        List<string> lines = [$"unit={Unit(values.GetValueOrDefault("PhysicalSizeXUnit"))}"];
        if (Size("PhysicalSizeZ") is { } depth)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"spacing={depth:R}"));
        }

        return new TiffNotes(new TiffResolution(PerUnit(width.Value), PerUnit(height!.Value), 1), lines, null);

        double? Size(string name) => values.TryGetValue(name, out string? text) && Parse(text) is { } size
            && size is >= 1 / Parts and <= 4000 ? size : null;
    }

    /// <summary>Pixels per unit of a pixel's size.</summary>
    private static ulong PerUnit(double size) => (ulong)Parts | ((ulong)Math.Round(size * Parts) << 32);

    /// <summary>As ImageJ spells it; the sign of micro, which is beyond ASCII, may be encoded in any way.</summary>
    private static string Unit(string? name) => name is null || !Ascii.IsValid(name) ? "micron" : name;

    private static double? Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
        && double.IsFinite(number)
            ? number
            : null;

    [GeneratedRegex("(?m)^([a-z]{1,16})=([ -~\\u00a0-\\u00ff]{1,80})(?=\\r?$)")]
    private static partial Regex LinePattern();

    [GeneratedRegex("\\b(\\w{1,40})\\s*=\\s*[\"']([^\"']{1,80})[\"']")]
    private static partial Regex AttributePattern();
}
