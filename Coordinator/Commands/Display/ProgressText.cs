using System.Globalization;
using Distributed.Coordinator.Actors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Commands.Display;

/// <summary>How numbers of a run read, and how long it will still take.</summary>
internal sealed class ProgressText(TimeProvider clock)
{
    private (long Timestamp, int Step)? _first;

    /// <summary>Time to go, by the speed since the first step that was seen; null before there is a speed.</summary>
    public TimeSpan? TimeLeft(in StepProgress progress)
    {
        long now = clock.GetTimestamp();
        (long start, int step) = _first ??= (now, progress.Step);
        if (progress.Step <= step)
        {
            return null;
        }

        double seconds = clock.GetElapsedTime(start, now).TotalSeconds / (progress.Step - step);
        double left = seconds * (progress.StepsTotal - progress.Step);
        return TimeSpan.FromSeconds(Math.Clamp(left, 0, TimeSpan.FromDays(1000).TotalSeconds));
    }

    public static string Step(in StepProgress progress) => Invariant($"{progress.Step}/{progress.StepsTotal}");

    public static string Loss(double loss) => Invariant($"{loss:0.000000}");

    public static string Psnr(Evaluation? evaluation) =>
        evaluation switch
        {
            null => "-",
            { Accuracy: { } accuracy } => Invariant($"{100 * accuracy:0.0} %"),
            { IsClean: true } => Invariant($"{evaluation.Psnr:0.00} dB"),
            { PsnrEstimated: { } psnr } => Invariant($"~{psnr:0.00} dB"),
            _ => "below resolution",
        };

    public static string Speed(in StepProgress progress) => Invariant($"{progress.ImagesPerSecond:0}");

    public static string Left(TimeSpan? left) => left switch
    {
        null => "-",
        { TotalDays: >= 1 } => Invariant($"{left:d\\d\\ hh\\h}"),
        { TotalHours: >= 1 } => Invariant($"{left:h\\h\\ mm\\m}"),
        { TotalMinutes: >= 1 } => Invariant($"{left:m\\m\\ ss\\s}"),
        _ => Invariant($"{left.Value.TotalSeconds:0}s"),
    };

    /// <summary>What the figure of <see cref="Psnr"/> is called.</summary>
    public static string Figure(Evaluation? evaluation) => evaluation?.Accuracy is null ? "PSNR" : "accuracy";

    public static string Validated(int step, Evaluation evaluation) => Invariant($"Validated after step {step}")
        + Invariant($"{(evaluation.Pictures is { } count ? $" on whole pictures ({count})" : "")}: ")
        + evaluation switch
        {
            { Accuracy: not null } => $"accuracy {Psnr(evaluation)}.",
            { IsClean: true } => Invariant($"PSNR {evaluation.Psnr:0.00} dB over the global error, ")
                + Invariant($"{evaluation.PsnrMeanPerImage:0.00} dB mean per image; ")
                + Invariant($"the input has {evaluation.InputPsnr:0.00} dB."),
            { PsnrEstimated: { } psnr, AreNeighbors: true } =>
                Invariant($"PSNR {psnr:0.00} dB, estimated from neighbouring pixels (the input ")
                + Invariant($"{evaluation.InputPsnrEstimated:0.00} dB): what they differ by counts as noise."),
            { PsnrEstimated: { } psnr } => Invariant($"PSNR {psnr:0.00} dB, estimated from noisy pairs")
                + Invariant($" (the input {evaluation.InputPsnrEstimated:0.00} dB), if their noise is independent and ")
                + "of zero mean.",
            _ => "PSNR, estimated from noisy pairs: below resolution.",
        };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
