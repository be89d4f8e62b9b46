using System.Globalization;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Tiff;

/// <summary>The images of a file: channels together; the depths of a frame, then those of the next.</summary>
/// <param name="Images">Frames times Slices.</param>
/// <param name="Frames">Times.</param>
/// <param name="Slices">Depths of each.</param>
/// <param name="Axes">What the file says of its axes; null if nothing.</param>
internal sealed record PictureStack(List<ImageBlock> Images, int Frames, int Slices, StackAxes? Axes)
{
    /// <summary>What a TIFF file says beside its axes; null of others.</summary>
    public TiffNotes? Notes { get; init; }

    /// <summary>A file that says nothing of axes: its pages are frames.</summary>
    public static PictureStack OfPages(List<ImageBlock> pages) => new(pages, pages.Count, 1, null);

    /// <summary>Puts the planes of a file in order.</summary>
    /// <exception cref="DataException">There are not as many as the axes say, or channels differ in shape.</exception>
    public static PictureStack Arrange(List<ImageBlock> pages, StackAxes axes, string place)
    {
        if (pages.Count != axes.Planes)
        {
            throw FileFaults.Damaged(
                place, string.Create(CultureInfo.InvariantCulture, $"it is an {axes.Text}, but has {pages.Count}"));
        }

        if (axes.IsPlain)
        {
            return new PictureStack(pages, pages.Count, 1, axes);
        }

        List<ImageBlock> images = [];
        for (int frame = 0; frame < axes.Frames; frame++)
        {
            for (int slice = 0; slice < axes.Slices; slice++)
            {
                IEnumerable<int> channels = Enumerable.Range(0, axes.Channels);
                images.Add(Join([.. channels.Select(channel => pages[axes.PlaneAt(channel, slice, frame)])]));
            }
        }

        return new PictureStack(images, axes.Frames, axes.Slices, axes);
    }

    /// <summary>Planes of one place and time as one image.</summary>
    private static ImageBlock Join(ImageBlock[] channels)
    {
        ImageBlock first = channels[0];
        if (channels.Length == 1)
        {
            return first;
        }

        if (Array.Find(channels, other => other.Shape != first.Shape || other.Type != first.Type) is { } odd)
        {
            throw FileFaults.Damaged(
                odd.Name, $"it is {odd.Type} {odd.Shape}, but {first.Name} {first.Type} {first.Shape}");
        }

        ImageShape shape = first.Shape with { C = checked(first.Shape.C * channels.Length) };
        if (first.File is { } file)
        {
            JoinedStore store = new([.. channels.Select(channel => channel.File!.Store)], first.Shape.C);
            return ImageBlock.OfStore(first.Name, first.Type, null, shape, store, first.TypeMaximum, file.Range);
        }

        return first.Bytes is not null
            ? ImageBlock.OfBytes(first.Name, null, shape, [.. channels.SelectMany(channel => channel.Bytes!)])
            : first with
            {
                Shape = shape,
                Floats = [.. channels.SelectMany(channel => channel.Floats)],
                Stored = (channels.Min(channel => channel.Stored!.Value.Low),
                    channels.Max(channel => channel.Stored!.Value.High)),
            };
    }
}
