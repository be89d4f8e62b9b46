using System.Globalization;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Few large pictures, each cut in two: the upper rows to train with, the lower ones held out.</summary>
/// <remarks>No window reaches over the cut, so no pixel of what is held out has been trained with.</remarks>
/// <param name="share">Of the rows of each picture.</param>
/// <param name="least">Rows at least; never more than half.</param>
internal sealed class RowSplit(double share, int least)
{
    /// <summary>How to cut pictures, if that takes less away than holding out a whole one.</summary>
    /// <param name="images">All of them.</param>
    /// <param name="pictures">How many of them count.</param>
    /// <param name="window">What is cut out of a picture.</param>
    /// <param name="share">To be held out.</param>
    /// <returns>Null if a whole picture is no more than the share, or one has no room for two windows.</returns>
    public static RowSplit? Find(ImageSet images, int pictures, ImageShape window, double share)
    {
        int height = Enumerable.Range(0, images.Count).Min(i => images.ShapeOf(i).H);
        if (pictures * share >= 1 || height < 2 * window.H)
        {
            return null;
        }

        RowSplit split = new(share, window.H);
        for (int least = window.H; split.WindowsOf(images, pictures, window) < HeldOut.WindowsMin
            && least < height / 2; least += window.H)
        {
            split = new RowSplit(share, least + window.H);
        }

        return split;
    }

    /// <summary>One part of each picture.</summary>
    public ImageSet Part(ImageSet images, bool isLower) => new PartImages(images, this, isLower);

    /// <summary>What is said of a part.</summary>
    public string Words(ImageSet images, bool isLower)
    {
        int[] rows = [.. Enumerable.Range(0, images.Count).Select(i => RowsOf(images.ShapeOf(i))).Distinct().Order()];
        string count = rows.Length == 1
            ? rows[0].ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{rows[0]} to {rows[^1]}");
        return isLower ? $"held out, the lowest {count} rows of each" : $"without the lowest {count} rows of each";
    }

    /// <summary>Rows of a picture that are held out.</summary>
    private int RowsOf(ImageShape shape) => Math.Min(Math.Max((int)Math.Ceiling(share * shape.H), least), shape.H / 2);

    private long WindowsOf(ImageSet images, int pictures, ImageShape window) => Enumerable.Range(0, pictures)
        .Select(images.ShapeOf)
        .Sum(shape => (long)RowsOf(shape) * shape.W / (window.H * window.W));

    private sealed class PartImages(ImageSet images, RowSplit split, bool isLower) : ImageSet
    {
        public override int Count => images.Count;

        public override bool IsOneTensor => images.IsOneTensor;

        protected internal override bool CanPack => images.CanPack;

        public override string NameOf(int index) => images.NameOf(index);

        public override ImageShape ShapeOf(int index)
        {
            ImageShape shape = images.ShapeOf(index);
            int rows = split.RowsOf(shape);
            return shape with { H = isLower ? rows : shape.H - rows };
        }

        public override void ReadWindow(int index, int top, int left, ImageShape window, Span<float> destination)
        {
            ImageShape shape = images.ShapeOf(index);
            int first = isLower ? shape.H - split.RowsOf(shape) : 0;
            images.ReadWindow(index, first + top, left, window, destination);
        }

        /// <inheritdoc/>
        /// <remarks>Of the upper part that of the whole, which is packed; of the lower one a line more.</remarks>
        public override void WriteContent(Stream target)
        {
            images.WriteContent(target);
            if (isLower)
            {
                WriteLine(target, split.Words(images, isLower));
            }
        }
    }
}
