using System.Globalization;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using static System.FormattableString;

namespace Distributed.Coordinator.Commands;

/// <summary>The last lines of a run: what it came to, where things are, and what to try next.</summary>
internal static class TrainEnding
{
    /// <summary>Writes them.</summary>
    public static void Write(TextWriter writer, TrainOptions options, TrainResult result, string program)
    {
        RunSummary summary = result.Summary;
        writer.WriteLine();
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(result.IsStopped ? "Stopped" : "Done")} after step {summary.Steps} ({summary.Epochs:0.##} epochs) in "
            + $"{summary.Seconds:0.0} s, {summary.ImagesPerSecond:0} images/s."));
        WriteStep(writer, summary.Step);
        WritePsnr(writer, result, AreNeighbors(options.Configuration.Data));
        writer.WriteLine();
        WritePlace(writer, "Run", summary.Run);
        WritePlace(writer, "Model", Path.Combine(summary.Run, "model.safetensors"));
        string target = result.IsEstimated ? "other noisy" : "clean";
        WritePlace(writer, "Preview", result.PreviewPath, $"  (noisy | denoised | {target})");
        WritePlace(writer, "Report", Path.Combine(summary.Run, "report.html"));
        writer.WriteLine();
        writer.WriteLine("Next:");
        string run = ShellLine.Quote(summary.Run);
        if (result.IsStopped)
        {
            writer.WriteLine($"  {program} {Resume(options, summary.Run)}");
        }

        if (summary.Accuracy is null)
        {
            writer.WriteLine($"  {program} denoise --run {run} NOISY.png DENOISED.png");
        }

        if (!result.IsStopped)
        {
            string data = IsValidated(result) ? "" : " --data SOURCE";
            writer.WriteLine($"  {program} evaluate --run {run}{data}");
        }

        if (!result.IsStopped && summary.Accuracy is null)
        {
            string weights = ShellLine.Quote(Path.Combine(summary.Run, "model.safetensors"));
            writer.WriteLine($"  {program} train --data FOLDER_OF_PNGS --noise gaussian:25 --init {weights}");
        }
    }

    private static bool IsValidated(TrainResult result) => result.IsEstimated
        || result.Summary is not { Psnr: null, Accuracy: null, ValidationLoss: null };

    /// <summary>Whether what was measured are pairs of neighbouring pixels.</summary>
    private static bool AreNeighbors(DataOptions data) =>
        data is { Pairs: DataOptions.NeighborPairs, Validation: null };

    private static void WriteStep(TextWriter writer, StepMeans? step)
    {
        if (step is null)
        {
            return;
        }

        string bytes = step.BytesIn + step.BytesOut > 0
            ? Invariant($"; {step.BytesIn / 1e6:0.0} MB in, {step.BytesOut / 1e6:0.0} MB out a step")
            : "";
        writer.WriteLine(
            $"A step took {Number(step.Milliseconds)} ms: {Number(step.Wait)} waiting for gradients, "
            + $"{Number(step.Sum)} adding, {Number(step.Update)} updating; "
            + $"{Number(step.Compute)} ms of computing over all threads{bytes}.");
    }

    /// <summary>Milliseconds: a place behind the point if they are few.</summary>
    private static string Number(double value) =>
        value.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static void WritePsnr(TextWriter writer, TrainResult result, bool areNeighbors)
    {
        RunSummary summary = result.Summary;
        if (summary.Accuracy is { } accuracy)
        {
            writer.WriteLine(Invariant($"Accuracy {100 * accuracy:0.00} %, loss {summary.ValidationLoss:0.0000}."));
        }
        else if (result.IsEstimated && areNeighbors && summary.PsnrEstimated is { } rough)
        {
            writer.WriteLine(Invariant($"PSNR {rough:0.00} dB at half the size, estimated from neighbouring pixels")
                + $"{Input(result)}: what they differ by counts as noise, so it is good to compare runs of one data "
                + "set, and says little else. For a true figure give clean pictures: --validation.");
        }
        else if (result.IsEstimated)
        {
            writer.WriteLine(summary.PsnrEstimated is { } estimated
                ? Invariant($"PSNR {estimated:0.00} dB over the global error{Whole(result)}, estimated from noisy ")
                    + $"pairs{Input(result)}; that is right if the noise of a pair is independent and of zero mean."
                : "PSNR, estimated from noisy pairs: below resolution.");
        }
        else if (!IsValidated(result) && !result.IsStopped)
        {
            writer.WriteLine(
                "Not validated: give a source with --validation (and --validation-noisy if it holds noisy pairs, from "
                + "which PSNR is estimated), or hold a share of the pairs out, as with --holdout 0.05.");
        }

        if (summary.Psnr is not { } psnr)
        {
            return;
        }

        writer.WriteLine(Invariant(
            $"PSNR {psnr:0.00} dB over the global error, {summary.PsnrMeanPerImage:0.00} dB mean per image")
            + $"{Whole(result)}.");
        if (result.InputPsnr is { } input)
        {
            writer.WriteLine(Invariant(
                $"That is {psnr - input:+0.00;-0.00} dB over the noisy input, which has {input:0.00} dB."));
        }

        if (summary.Comparison is { } comparison)
        {
            writer.WriteLine(Invariant(
                $"The preview's {comparison.Pictures} pictures: noisy {comparison.Input:0.00} dB, non-local means ")
                + Invariant($"{comparison.NonLocalMeans:0.00} dB, this network {comparison.Model:0.00} dB."));
        }
    }

    private static string Whole(TrainResult result) => result.Pictures is { } count
        ? Invariant($" of whole pictures ({count})")
        : "";

    private static string Input(TrainResult result) => result.InputPsnrEstimated is { } input
        ? Invariant($", where the noisy input has {input:0.00} dB")
        : "";

    private static void WritePlace(TextWriter writer, string name, string? path, string note = "")
    {
        if (path is not null && Path.Exists(path))
        {
            writer.WriteLine($"{name,-8} {path}{note}");
        }
    }

    /// <summary>The same options, in the same folder: another configuration would be refused.</summary>
    public static string Resume(TrainOptions options, string run)
    {
        List<string> arguments = [.. RunEnvironment.WithoutSecrets(options.CommandLine)];
        if (arguments is ["train" or "standby", ..])
        {
            arguments.RemoveAt(0);
        }

        Remove(arguments, "--run", _ => true);
        Remove(arguments, "--resume", value => value == "auto");
        return string.Join(
            ' ', ["train", .. arguments.Select(ShellLine.Quote), "--run", ShellLine.Quote(run), "--resume"]);
    }

    /// <summary>Takes an option out, with its value if that is one.</summary>
    private static void Remove(List<string> arguments, string option, Predicate<string> isValue)
    {
        int at = arguments.IndexOf(option);
        if (at >= 0)
        {
            arguments.RemoveRange(at, at + 1 < arguments.Count && isValue(arguments[at + 1]) ? 2 : 1);
        }

        arguments.RemoveAll(argument => argument.StartsWith(option + "=", StringComparison.Ordinal)
            || argument.StartsWith(option + ":", StringComparison.Ordinal));
    }
}
