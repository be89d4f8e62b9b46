using System.Globalization;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Losses;

/// <summary>Targets that hold the number of a class rather than one-hot classes: one for each pixel.</summary>
internal static class ClassIndices
{
    /// <summary>Whether a shape is that of class numbers for predictions [N, K] or [N, K, H, W].</summary>
    /// <remarks>
    /// [N, H, W], or [N] if there is one pixel; with a dimension of 1 for the K, too, if K is more than 1.
    /// </remarks>
    public static bool Fit(IReadOnlyList<int> prediction, IReadOnlyList<int> target)
    {
        if (prediction.Count < 2)
        {
            return false;
        }

        IEnumerable<int> pixels = prediction.Skip(2);
        return target.SequenceEqual(pixels.Prepend(prediction[0]))
            || (target.Count == 1 && target[0] == prediction[0] && pixels.All(size => size == 1))
            || (prediction[1] > 1 && target.SequenceEqual(pixels.Prepend(1).Prepend(prediction[0])));
    }

    /// <summary>A class number from 0 to K - 1.</summary>
    /// <exception cref="ConfigurationException">It is none.</exception>
    public static int Read(float value, int classes) => value >= 0 && value < classes && value == (int)value
        ? (int)value
        : throw new ConfigurationException(
            string.Create(
                CultureInfo.InvariantCulture, $"A target is {value}; allowed are the classes 0 to {classes - 1}."),
            "Number the classes from 0.");
}
