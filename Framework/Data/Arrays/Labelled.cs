using System.Globalization;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Arrays;

/// <summary>Images and their classes, brought together.</summary>
internal static class Labelled
{
    /// <summary>Joins images with labels; there are as many classes as the largest label says, at least two.</summary>
    /// <exception cref="DataException">Their numbers differ, or the images are pairs.</exception>
    public static ImageContent Join(ImageContent content, byte[] labels, string place)
    {
        int images = content.Images.Sum(block => block.Images);
        if (content.Targets is not null || labels.Length != images)
        {
            throw new DataException(
                string.Create(CultureInfo.InvariantCulture, $"{place}: {images} images, but {labels.Length} labels."),
                "Every image needs one label.");
        }

        return content with { Labels = labels, ClassCount = Math.Max(2, labels.Max() + 1) };
    }
}
