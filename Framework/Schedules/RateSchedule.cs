using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Kernels;

namespace Distributed.Framework.Schedules;

/// <summary>What a step's learning rate is multiplied by: a pure function of the step and the run's length.</summary>
/// <remarks>
/// constant: 1. step:EVERY:GAMMA: GAMMA to the number of whole EVERY done, in steps, or in epochs as in 10e. cosine:
/// (1 + cos(pi s / S)) / 2 at step s of S (Loshchilov, Hutter 2017, "SGDR", without restarts). cosine:N: the same, and
/// in runs of more than N steps, which a high rate would break sooner or later, times the fourth root of N / S.
/// rampdown:FRACTION: 1, then over the last FRACTION of the run ((1 + cos(pi t)) / 2)^2 with t from 0 to 1 (Lehtinen et
/// al. 2018, "Noise2Noise", its published training program; there FRACTION is 0.3).
/// A warm-up of N steps multiplies step s &lt; N by (s + 1) / N as well.
/// </remarks>
public sealed class RateSchedule
{
    private const double DefaultFraction = 0.3;
    private readonly Func<int, double> _factor;
    private readonly int _warmup;

    private RateSchedule(Func<int, double> factor, int warmup, bool dependsOnLength)
    {
        _factor = factor;
        _warmup = warmup;
        DependsOnLength = dependsOnLength;
    }

    /// <summary>What may be written, for messages.</summary>
    public static string Allowed => "constant, step:EVERY:GAMMA (EVERY in steps of 1 or more, or in epochs as in 10e; "
        + "GAMMA above 0, at most 1), cosine, cosine:N (lower in runs of more than N steps), rampdown or "
        + "rampdown:FRACTION (above 0, at most 1)";

    /// <summary>Whether a run of another length has other rates in the steps that both have.</summary>
    public bool DependsOnLength { get; }

    /// <summary>Reads a schedule.</summary>
    /// <param name="text">As on the command line; null for constant.</param>
    /// <param name="warmup">Steps of linear warm-up; at least 0.</param>
    /// <param name="stepsTotal">Steps of the run.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch; at least 1.</param>
    /// <exception cref="ConfigurationException">It is none, or a number is out of its range.</exception>
    public static RateSchedule Create(string? text, int warmup, int stepsTotal, int stepsPerEpoch)
    {
        if (warmup < 0)
        {
            throw new ConfigurationException(
                $"--warmup {warmup}: out of range; allowed is a whole number of 0 or more.", "Give a number of steps.");
        }

        if (stepsPerEpoch < 1)
        {
            throw new ConfigurationException(
                $"A schedule over epochs of {stepsPerEpoch} steps; allowed are 1 or more.",
                "Give the number of steps of an epoch.");
        }

        string[] parts = (text ?? "constant").Split(':');
        double steps = Math.Max(stepsTotal, 1);
        switch (parts)
        {
            case ["constant"]:
                return new RateSchedule(_ => 1, warmup, dependsOnLength: false);
            case ["cosine"]:
                return Cosine(1, steps, warmup);
            case ["cosine", var most] when Every(most, stepsPerEpoch) is { } length:
                return Cosine(steps <= length ? 1 : Math.Sqrt(Math.Sqrt(length / steps)), steps, warmup);
            case ["step", var every, var factor]
                when Every(every, stepsPerEpoch) is { } length && Number(factor) is > 0 and <= 1 and var gamma:
                return new RateSchedule(
                    step => Elementary.Pow(gamma, (int)(step / length)), warmup, dependsOnLength: false);
            case ["rampdown"]:
                return RampDown(DefaultFraction, steps, warmup);
            case ["rampdown", var share] when Number(share) is > 0 and <= 1 and var fraction:
                return RampDown(fraction, steps, warmup);
            default:
                throw new ConfigurationException(
                    $"--schedule {text}: not a schedule; allowed is {Allowed}.",
                    "Write it as in step:10e:0.5, cosine, cosine:6000 or rampdown:0.3.");
        }
    }

    /// <summary>The factor of a step.</summary>
    /// <param name="step">0-based: updates done before it.</param>
    public double Factor(int step) => _factor(step) * (step < _warmup ? (step + 1.0) / _warmup : 1);

    private static RateSchedule Cosine(double start, double steps, int warmup) => new(
        step => start * (0.5 * (1 + Elementary.CosPi(Math.Min(step / steps, 1)))), warmup, dependsOnLength: true);

    private static RateSchedule RampDown(double fraction, double steps, int warmup)
    {
        double start = steps * (1 - fraction);
        return new RateSchedule(Factor, warmup, dependsOnLength: true);

        double Factor(int step)
        {
            double t = (step - start) / fraction / steps;
            double smooth = 0.5 * (1 + Elementary.CosPi(Math.Clamp(t, 0, 1)));
            return smooth * smooth;
        }
    }

    private static long? Every(string text, int stepsPerEpoch)
    {
        bool isEpochs = text.EndsWith('e');
        return int.TryParse(
            isEpochs ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
            ? (long)number * (isEpochs ? stepsPerEpoch : 1)
            : null;
    }

    private static double? Number(string text) => double.TryParse(
        text,
        NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
        CultureInfo.InvariantCulture,
        out double value)
        ? value
        : null;
}
