using System.Globalization;
using System.Text.RegularExpressions;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>What the planes of a stack are, as ImageJ and OME write it into the first page's description.</summary>
/// <remarks>
/// ImageJ: lines KEY=NUMBER of images, channels, slices and frames, missing ones being 1; channels run fastest, then
/// slices, then frames. A stack that is not marked as a hyperstack has one axis, which ImageJ calls slices whatever it
/// is. OME: the attributes SizeC, SizeZ, SizeT and DimensionOrder of the first Pixels element; nothing else of the XML
/// is looked at. Sources: ImageJ 1.54 (ij.io.TiffEncoder), OME-TIFF specification 6.
/// </remarks>
/// <param name="Writer">ImageJ or OME.</param>
/// <param name="Channels">Planes of one place and time.</param>
/// <param name="Slices">Depths.</param>
/// <param name="Frames">Times.</param>
/// <param name="Order">The axes behind X and Y, the fastest first: three of C, Z and T.</param>
internal sealed partial record StackAxes(string Writer, int Channels, int Slices, int Frames, string Order)
{
    private const int PlanesMax = 1 << 24;

    /// <summary>Whether there is one axis, which the writer does not know more of.</summary>
    public bool IsPlain { get; init; }

    /// <summary>Planes of the stack.</summary>
    public int Planes => Channels * Slices * Frames;

    /// <summary>All three axes in words.</summary>
    public string Text => IsPlain
        ? string.Create(CultureInfo.InvariantCulture, $"{Writer} stack of {Planes} planes")
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{Writer} stack of {Planes} planes: {Channels} channels, {Slices} slices and {Frames} frames");

    /// <summary>Reads a description; null if it is of neither.</summary>
    /// <param name="description">Of the first page.</param>
    /// <param name="samples">Samples of a pixel: OME counts them as channels.</param>
    /// <param name="place">What messages call the file.</param>
    /// <exception cref="DataException">Its numbers do not go together.</exception>
    public static StackAxes? Parse(string description, int samples, string place)
    {
        StackAxes? axes = description.StartsWith("ImageJ=", StringComparison.Ordinal) ? OfImageJ(description, place)
            : description.Contains("<OME", StringComparison.Ordinal) ? OfOme(description, samples, place)
            : null;
        if (axes is not null && (long)axes.Channels * axes.Slices * axes.Frames > PlanesMax)
        {
            throw FileFaults.Damaged(place, "its description has too many planes");
        }

        return axes is { Planes: > 1 } ? axes : null;
    }

    /// <summary>Which plane it is.</summary>
    public int PlaneAt(int channel, int slice, int frame)
    {
        int plane = 0;
        for (int i = Order.Length - 1; i >= 0; i--)
        {
            (int index, int size) = Order[i] switch
            {
                'C' => (channel, Channels),
                'Z' => (slice, Slices),
                _ => (frame, Frames),
            };
            plane = (plane * size) + index;
        }

        return plane;
    }

    private static StackAxes OfImageJ(string description, string place)
    {
        int images = Number("images");
        StackAxes axes = new("ImageJ", Number("channels"), Number("slices"), Number("frames"), "CZT");
        bool isPlain = !description.Contains("hyperstack=true", StringComparison.Ordinal)
            && axes.Channels == 1 && axes.Frames == 1;
        if (isPlain)
        {
            return axes with { Slices = images, IsPlain = true };
        }

        return (long)axes.Channels * axes.Slices * axes.Frames == images ? axes : throw FileFaults.Damaged(
            place,
            string.Create(
                CultureInfo.InvariantCulture, $"ImageJ's description has {images} images, but is an {axes.Text}"));

        int Number(string key) => Regex.Match(description, $"(?m)^{key}=([0-9]{{1,8}})\\s*$") is { Success: true } match
            ? Checked(match.Groups[1].Value, place)
            : 1;
    }

    private static StackAxes? OfOme(string description, int samples, string place)
    {
        Match pixels = PixelsPattern().Match(description);
        if (!pixels.Success)
        {
            return null;
        }

        string attributes = pixels.Groups[1].Value;
        Match order = OrderPattern().Match(attributes);
        int channels = Size('C');
        return new StackAxes(
            "OME",
            samples > 1 && channels % samples == 0 ? channels / samples : channels,
            Size('Z'),
            Size('T'),
            order.Success ? order.Groups[1].Value : "CZT");

        int Size(char axis) => Regex.Match(attributes, $"\\bSize{axis}\\s*=\\s*[\"']([0-9]{{1,8}})[\"']") is
            { Success: true } match
            ? Checked(match.Groups[1].Value, place)
            : 1;
    }

    private static int Checked(string text, string place) =>
        int.Parse(text, CultureInfo.InvariantCulture) is var number and >= 1 and <= PlanesMax
            ? number
            : throw FileFaults.Damaged(place, $"an axis of its description has {text} places");

    [GeneratedRegex("<(?:\\w+:)?Pixels\\b([^>]{1,4000})>")]
    internal static partial Regex PixelsPattern();

    [GeneratedRegex("\\bDimensionOrder\\s*=\\s*[\"']XY(CZT|CTZ|ZCT|ZTC|TCZ|TZC)[\"']")]
    private static partial Regex OrderPattern();
}
