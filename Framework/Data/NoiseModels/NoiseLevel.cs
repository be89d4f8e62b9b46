using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>How strong a noise is: one level for all images, or one drawn uniformly for each noisy copy.</summary>
/// <param name="Low">Least level.</param>
/// <param name="High">Largest level, at least Low.</param>
public readonly record struct NoiseLevel(float Low, float High)
{
    /// <summary>The block of a copy that the level comes from: beyond the elements of any image.</summary>
    internal const uint LevelBlock = uint.MaxValue;

    /// <summary>
    /// Refuses levels that a model made in code must not have; <see cref="Parse"/> has its own words.
    /// </summary>
    /// <param name="what">What the level is, for messages.</param>
    /// <param name="maximum">Largest level allowed.</param>
    /// <exception cref="ConfigurationException">Negative, 0 at most, descending, too large or NaN.</exception>
    internal NoiseLevel Checked(string what, float maximum) =>
        Low >= 0 && High >= Low && High > 0 && High <= maximum
            ? this
            : throw new ConfigurationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The {what} is {Low} to {High}; allowed is a level above 0 and at most {maximum}, or a range of "
                    + $"them from 0 on, the lower one first."),
                $"Give the {what} within that range.");

    /// <summary>Level of one noisy copy.</summary>
    public float Draw(NoiseKey key)
    {
        if (Low == High)
        {
            return Low;
        }

        uint word = key.Random.Block(key.Epoch, key.Sample, key.Copy, LevelBlock).Word0;
        return MathF.FusedMultiplyAdd(High - Low, Philox.ToUnitFloat(word), Low);
    }

    /// <summary>As it is written: "25" or "0-50".</summary>
    public override string ToString() => Low == High
        ? string.Create(CultureInfo.InvariantCulture, $"{Low}")
        : string.Create(CultureInfo.InvariantCulture, $"{Low}-{High}");

    /// <summary>Reads "25" or "0-50".</summary>
    /// <param name="text">The whole argument, for messages.</param>
    /// <param name="parameter">What is read.</param>
    /// <param name="maximum">Largest level allowed.</param>
    /// <param name="what">What the level is, for messages.</param>
    /// <param name="remedy">What is allowed at all.</param>
    /// <exception cref="ConfigurationException">It is something else, or out of range.</exception>
    internal static NoiseLevel Parse(string text, string parameter, float maximum, string what, string remedy)
    {
        int dash = parameter.IndexOf('-', StringComparison.Ordinal);
        string low = dash < 0 ? parameter : parameter[..dash];
        string high = dash < 0 ? parameter : parameter[(dash + 1)..];
        return Read(low) is { } from && Read(high) is { } to && to > 0 && to <= maximum
            && (dash < 0 ? from == to : from < to)
            ? new NoiseLevel(from, to)
            : throw new ConfigurationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"--noise {text}: '{parameter}' is no {what} above 0 and at most {maximum}, nor a range LO-HI."),
                remedy);
    }

    private static float? Read(string text) =>
        float.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out float value)
            && value >= 0
            ? value
            : null;
}
