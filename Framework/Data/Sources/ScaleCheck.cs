using System.Globalization;

namespace Distributed.Framework.Data.Sources;

/// <summary>Whether values make use of the scale from 0 to 1 that networks, losses and pictures are made for.</summary>
/// <remarks>
/// Far outside: above 4 or below -3, which noise around [0, 1] does not reach. A small part: floats that stay below
/// 0.05, integers that stay below the quarter (14 bits in 16) or the sixteenth (4 bits in 8) of their type. Suggested
/// is a typical full scale, 2^k - 1: of 8, 10, 12, 14 or 16 bits where it fits, as cameras have.
/// </remarks>
internal static class ScaleCheck
{
    private const double OutsideMax = 4;
    private const double OutsideMin = -3;
    private const double SmallFloats = 0.05;
    private const double CountsMin = 8;
    private static readonly int[] s_bits = [4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 48, 63];

    /// <summary>A typical full scale that holds a value.</summary>
    public static double FullScale(double highest) =>
        s_bits.Select(bits => Math.ScaleB(1, bits) - 1).FirstOrDefault(full => full >= highest, Math.Ceiling(highest));

    /// <summary>Adds to a description what is wrong with the scale.</summary>
    /// <param name="description">With the values after scaling.</param>
    /// <param name="stored">Lowest and highest number as stored.</param>
    /// <param name="typeMaximum">Of an integer type; null for floats.</param>
    /// <param name="isGiven">Whether somebody said which values become 0 and 1.</param>
    /// <param name="shown">The stored numbers that the file says are shown as black and white; null for none.</param>
    public static DataDescription Add(
        DataDescription description,
        (double Low, double High) stored,
        double? typeMaximum,
        bool isGiven,
        (double Black, double White)? shown = null)
    {
        bool isOutside = description.Highest > OutsideMax || description.Lowest < OutsideMin;
        double smallPart = typeMaximum switch
        {
            null => SmallFloats,
            byte.MaxValue => 1.0 / 16,
            _ => 0.2501,
        };
        bool isSmall = description.Highest < (isGiven ? SmallFloats : smallPart)
            && description.Lowest > -smallPart && stored.High > stored.Low && stored.High > 0;
        if (!isOutside && !isSmall)
        {
            return description;
        }

        // Noise of a camera without light goes a little below 0.
        bool isAboveZero = stored.Low >= -0.1 * stored.High;
        (double Low, double High) range = isAboveZero && (stored.High >= CountsMin || typeMaximum is not null)
            ? (0, FullScale(stored.High))
            : (isAboveZero ? 0 : -Outwards(-stored.Low), Outwards(stored.High));
        string extent = string.Create(
            CultureInfo.InvariantCulture, $"values go from {description.Lowest:G4} to {description.Highest:G4}");
        string what = isOutside
            ? $"{extent}, far outside the scale from 0 to 1"
            : $"{extent}, a small part of the scale from 0 to 1: they come out near black";
        bool areCounts = isOutside && !isGiven && typeMaximum is null && isAboveZero && stored.High >= CountsMin;
        if (shown is { } display && !areCounts)
        {
            range = display;
            what += string.Create(
                CultureInfo.InvariantCulture,
                $"; ImageJ shows {display.Black:R} as black and {display.White:R} as white");
        }

        return description with
        {
            ScaleFault = what,
            SuggestedRange = range,
            AreCounts = areCounts,
        };
    }

    /// <summary>The next number of two digits.</summary>
    private static double Outwards(double value)
    {
        if (value <= 0)
        {
            return 0;
        }

        double unit = 1;
        for (; value / unit >= 100; unit *= 10)
        {
        }

        for (; value / unit < 10; unit /= 10)
        {
        }

        return Math.Round(Math.Ceiling(value / unit) * unit, 12);
    }
}
