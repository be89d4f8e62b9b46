using System.Globalization;
using Distributed.Framework.Data.Tiff;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pairs among the frames of stacks.</summary>
/// <remarks>
/// Frames 2 k and 2 k + 1 are a pair, or k and k + 1, at each depth, channels together; never channels or depths among
/// themselves. Files that say nothing of axes hold frames; without being told, they hold pairs only if all have an even
/// number of pages. A last frame without a partner is left out where the file or the user says that it is a frame.
/// </remarks>
internal static class StackPairs
{
    /// <summary>What files hold.</summary>
    /// <exception cref="DataException">There are no two frames where there should be.</exception>
    public static ImageContent Find(List<PictureStack> files, string place, ReadRequest request)
    {
        bool mayBePairs = !request.IsClean
            && (request.Pairs is not null || files.TrueForAll(IsStack) || files.Exists(HasAxes));
        if (!mayBePairs)
        {
            return new ImageContent([.. files.SelectMany(file => file.Images)])
            {
                Axes = files is [PictureStack only] ? only.Axes : null,
                Notes = files.Count == 1 ? files[0].Notes : null,
            };
        }

        List<ImageBlock> inputs = [];
        List<ImageBlock> targets = [];
        foreach (PictureStack file in files)
        {
            if (file.Frames < 2)
            {
                throw TooFew(file, place);
            }

            for (int first = 0; first + 1 < file.Frames; first += request.IsNext ? 1 : 2)
            {
                inputs.AddRange(file.Images.GetRange(first * file.Slices, file.Slices));
                targets.AddRange(file.Images.GetRange((first + 1) * file.Slices, file.Slices));
            }
        }

        return new ImageContent(inputs)
        {
            Targets = targets,
            Pairing = Describe(files, request),
            AreFrames = true,
            Notes = files.Count == 1 ? files[0].Notes : null,
        };
    }

    private static bool IsStack(PictureStack file) => file.Axes is null && file.Frames % 2 == 0;

    private static bool HasAxes(PictureStack file) => file.Axes is not null;

    private static DataException TooFew(PictureStack file, string place) => new(
        file.Axes is { } axes
            ? $"{file.Images[0].Name} is an {axes.Text}: pairs are frames along time, never channels or slices, and "
                + "there is one frame."
            : $"{place}: {file.Images[0].Name} is one picture, not a stack of frames.",
        file.Axes is null
            ? "Leave out which frames are pairs, or give stacks of two pages or more."
            : "If its channels or slices are shots of one scene, save them as frames (ImageJ: Image, Hyperstacks, "
                + "Re-order Hyperstack); for clean images name a noise model.");

    private static string Describe(List<PictureStack> files, ReadRequest request)
    {
        PictureStack first = files[0];
        string what = first.Axes switch
        {
            null => "pages",
            { IsPlain: true } => "planes (which ImageJ calls slices)",
            _ => "frames",
        };
        string which = request.IsNext ? "k and k+1" : "2k and 2k+1";
        string depths = first.Slices > 1
            ? string.Create(CultureInfo.InvariantCulture, $" at each of {first.Slices} slices")
            : "";
        string channels = first.Axes is { Channels: > 1 and var count }
            ? string.Create(CultureInfo.InvariantCulture, $", {count} channels together")
            : "";
        string stacks = files.Count > 1
            ? string.Create(CultureInfo.InvariantCulture, $" of each of {files.Count} stacks")
            : "";
        bool leavesOut = !request.IsNext && files.Exists(file => file.Frames % 2 == 1);
        return $"pairs are {what} {which}{stacks}{depths}{channels}{(leavesOut ? "; the last one is left out" : "")}";
    }
}
