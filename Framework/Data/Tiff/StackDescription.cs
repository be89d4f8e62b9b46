using System.Globalization;

namespace Distributed.Framework.Data.Tiff;

/// <summary>What ImageJ reads of the axes of a stack: channels, depths and frames, in this order.</summary>
internal static class StackDescription
{
    private const string Writer = "ImageJ=1.54f";

    /// <summary>A description; empty for what needs none.</summary>
    /// <param name="axes">Of the input; null if it said nothing.</param>
    /// <param name="channels">Planes of one image.</param>
    /// <param name="images">How many.</param>
    /// <param name="lines">What else to say, a line each.</param>
    public static string Write(StackAxes? axes, int channels, int images, IReadOnlyList<string> lines)
    {
        if (axes is null && channels == 1 && lines.Count == 0)
        {
            return "";
        }

        string head = Writer + "\n" + (axes switch
        {
            null when channels == 1 => string.Create(CultureInfo.InvariantCulture, $"images={images}\n"),
            { IsPlain: true } => string.Create(CultureInfo.InvariantCulture, $"images={images}\nslices={images}\n"),
            _ => Hyperstack(axes?.Slices ?? 1),
        });
        return head + string.Concat(lines.Select(line => line + "\n"));

        string Hyperstack(int slices) => string.Create(
            CultureInfo.InvariantCulture,
            $"images={channels * images}\nchannels={channels}\nslices={slices}\nframes={images / slices}\n"
            + $"hyperstack=true\nmode=grayscale\n");
    }
}
