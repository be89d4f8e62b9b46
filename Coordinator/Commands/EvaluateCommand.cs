using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Pictures;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Training;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary><c>evaluate</c>: how well a trained model does on held-out pairs.</summary>
internal static class EvaluateCommand
{
    /// <summary>The command with its options.</summary>
    public static Command Create(CommandContext context, StopSignals signals)
    {
        Command command = new("evaluate", "Measure a trained model on (noisy, clean) pairs");
        ModelArguments model = new();
        Option<string?> data = StrictOptions.Text(
            "--data", "SOURCE", "(noisy, clean) pairs, or clean images to add noise to [the run's validation]");
        Option<string?> noise = StrictOptions.Noise("--noise", "Noise for clean images [the run's]");
        Option<int?> crop = StrictOptions.WholeNumber(
            "--crop", "Measure one window of this side of each picture [whole pictures]", 1, 1 << 16);
        Option<(double First, double Second)?> range = StrictOptions.Two(
            "--range", "LO:HI", ':', "Stored values that become 0 and 1 [the run's]",
            (low, high) => low < high, "two finite numbers, the lower one first, as in 0:4095");
        Option<bool> noisy = StrictOptions.Flag(
            "--noisy", "The pairs are noisy on both sides: their PSNR is estimated");
        Option<int?> limit = StrictOptions.WholeNumber("--limit", "Only the first N pairs [all]", 1);
        Option<int?> threads = StrictOptions.WholeNumber("--threads", "Threads [one a core]", 1, 1024);
        Option<string?> baseline = StrictOptions.OneOf(
            "--baseline", ["nlm"], "Measure a filter without training beside it: non-local means [none]");
        Option<bool> json = StrictOptions.Flag("--json", "One JSON object as the last line of standard output");
        model.AddTo(command);
        foreach (Option option in new Option[] { data, noisy, noise, crop, range, limit, threads, baseline, json })
        {
            command.Options.Add(option);
        }

        command.SetAction(result =>
        {
            LoadedModel loaded = model.Load(result);
            DataOptions options = Combine(
                loaded,
                result.GetValue(data),
                result.GetValue(noise),
                result.GetValue(crop),
                result.GetValue(range));
            bool isNoisy = result.GetValue(noisy) || (result.GetValue(data) is null
                && loaded.Configuration is { NoisyValidation: true });
            bool isWhole = result.GetValue(crop) is null;
            PairSource source = Limited(Open(loaded, options, isNoisy, isWhole));
            if (isWhole && source.HasWholes && !WholePictures.Fit(loaded.Model, source))
            {
                context.Human(result.GetValue(json)).WriteLine(
                    $"Model {loaded.Name} takes pictures of its own size only: windows are measured.");
                (isWhole, source) = (false, Limited(Open(loaded, options, isNoisy, isWhole: false)));
            }

            string place = DataSources.ValidationOf(options)!;
            int workers = result.GetValue(threads) ?? Environment.ProcessorCount;
            Evaluation evaluation = isWhole && source.HasWholes
                ? WholePictures.Evaluate(loaded.Model, loaded.Parameters, source, workers, signals.Token)
                : Measure(loaded, source, workers, signals.Token);
            TextWriter human = context.Human(result.GetValue(json));
            WriteText(human, loaded, place, source, evaluation);
            Comparison? comparison = null;
            if (result.GetValue(baseline) is not null)
            {
                comparison = Comparison.Of(loaded.Model, loaded.Parameters, source, int.MaxValue, workers);
                human.WriteLine(comparison?.ToString()
                    ?? "Baseline none: it takes clean pictures of 64 pixels a side or more");
            }

            if (result.GetValue(json))
            {
                context.Output.WriteLine(ToJson(loaded, place, source, evaluation, comparison));
            }

            return ExitCodes.Done;

            PairSource Limited(PairSource all) =>
                result.GetValue(limit) is { } count ? new LimitedSource(all, count) : all;
        });
        return command;
    }

    private static Evaluation Measure(
        LoadedModel loaded, PairSource source, int threads, CancellationToken stopping)
    {
        Plan plan = TrainingJob.CompileFor(loaded.Model, loaded.Name, source);
        Replica replica = plan.CreateReplica();
        replica.Load(loaded.Parameters);
        return Evaluator.Evaluate(plan, replica, source, threads, stopping: stopping);
    }

    /// <summary>The run's data options, with what the user says instead; Validation is what is measured on.</summary>
    private static DataOptions Combine(
        LoadedModel loaded, string? data, string? noise, int? crop, (double First, double Second)? range)
    {
        DataOptions? run = loaded.Configuration?.Data;
        if (data is null && run is not null && DataSources.HoldsOut(run))
        {
            return run with
            {
                Crop = crop ?? run.Crop,
                RangeLow = range?.First ?? run.RangeLow,
                RangeHigh = range?.Second ?? run.RangeHigh,
            };
        }

        string? source = data ?? DataSources.ValidationOf(run ?? new DataOptions());
        if (source is null)
        {
            throw new ConfigurationException(
                "The run has no validation data, "
                + (run?.Noise is null ? "and its training pairs are noisy on both sides: " : "only training images: ")
                + "there is nothing clean to measure against.",
                "Give (noisy, clean) pairs with --data FILE, (noisy, noisy) ones with --data FILE --noisy, "
                + "or clean images with --data FOLDER --noise MODEL.");
        }

        return new DataOptions
        {
            Source = source,
            Validation = source,
            Noise = noise ?? run?.Noise,
            Crop = crop ?? run?.Crop,
            RangeLow = range?.First ?? (DataSources.IsGenerated(source) ? null : loaded.Range?.Low),
            RangeHigh = range?.Second ?? (DataSources.IsGenerated(source) ? null : loaded.Range?.High),
            Seed = run?.Seed ?? 0,
        };
    }

    private static PairSource Open(LoadedModel loaded, DataOptions options, bool isNoisy, bool isWhole)
    {
        PairSource source = DataSources.OpenValidation(options, isWhole: isWhole)!;
        if (DataSources.HoldsOut(options))
        {
            return source;
        }

        if (isNoisy)
        {
            RunData.CheckStoredPairs(source, "--noisy", options.Validation);
            return new NoisyTargets(source);
        }

        return source is StoredPairSource && source.ContentHash == loaded.Configuration?.DataHash
            ? throw new ConfigurationException(
                $"{options.Validation} holds the pairs of the training, noisy on both sides: "
                + "PSNR against them is not PSNR against clean images.",
                "Give (noisy, clean) pairs with --data FILE, or clean images with --data FOLDER --noise MODEL.")
            : source;
    }

    private static void WriteText(
        TextWriter writer, LoadedModel loaded, string data, PairSource source, Evaluation evaluation)
    {
        writer.WriteLine($"Model    {loaded.Name}, weights of {loaded.Weights}");
        string count = evaluation.Pictures is { } pictures
            ? string.Create(CultureInfo.InvariantCulture, $"{pictures} whole pictures")
            : string.Create(CultureInfo.InvariantCulture, $"{source.Count} pairs {source.Shape}");
        writer.WriteLine($"Data     {data}: {count}");
        if (source.Description is { } description)
        {
            description = evaluation.Pictures is null ? description : description with { Windows = null };
            writer.WriteLine($"         {description}{DataLines.Scale(description)}");
        }

        if (DataSources.PassedOver(new DataOptions { Source = data }) is { } passedOver)
        {
            writer.WriteLine(passedOver);
        }

        if (source is StoredPairSource)
        {
            writer.WriteLine("         Second images are taken as clean.");
        }

        if (evaluation.Accuracy is { } accuracy)
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Accuracy {100 * accuracy:0.00} %"));
            return;
        }

        if (evaluation.EstimatedError is not null)
        {
            writer.WriteLine(evaluation.PsnrEstimated is { } estimated
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"PSNR     {estimated:0.00} dB over the global error, estimated from noisy pairs")
                : "PSNR     below resolution: the estimated error is not above 0");
            writer.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Input    {evaluation.InputPsnrEstimated:0.00} dB, estimated as well: ")
                + (evaluation.AreNeighbors
                    ? "pairs are neighbouring pixels at half the size; what they differ by counts as noise"
                    : "both if the noise of the two images is independent and of zero mean"));
            return;
        }

        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"PSNR     {evaluation.Psnr:0.00} dB over the global error, "
            + $"{evaluation.PsnrMeanPerImage:0.00} dB mean per image"));
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Input    {evaluation.InputPsnr:0.00} dB over the global error; the model gains "
            + $"{evaluation.Psnr - evaluation.InputPsnr:+0.00;-0.00} dB"));
        if (evaluation.Ssim is { } ssim)
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"SSIM     {ssim:0.0000}"));
        }
    }

    private static string ToJson(
        LoadedModel loaded, string data, PairSource source, Evaluation evaluation, Comparison? baseline) =>
        new JsonObject
        {
            ["psnr"] = evaluation.IsClean ? Finite(evaluation.Psnr) : null,
            ["psnrMeanPerImage"] = evaluation.IsClean ? Finite(evaluation.PsnrMeanPerImage) : null,
            ["psnrEstimated"] = evaluation.PsnrEstimated,
            ["inputPsnrEstimated"] = evaluation.InputPsnrEstimated,
            ["psnrNonLocalMeans"] = baseline is null ? null : Finite(baseline.NonLocalMeans),
            ["ssim"] = evaluation is { IsClean: true, Ssim: { } ssim } ? Finite(ssim) : null,
            ["accuracy"] = evaluation.Accuracy,
            ["inputPsnr"] = evaluation.IsClean ? Finite(evaluation.InputPsnr) : null,
            ["meanSquaredError"] = Finite(evaluation.MeanSquaredError),
            ["pairs"] = evaluation.Pictures ?? source.Count,
            ["areWholePictures"] = evaluation.Pictures is not null,
            ["data"] = data,
            ["opened"] = DataLines.ToJson(source),
            ["model"] = loaded.Name,
            ["weights"] = loaded.Weights,
            [loaded.IsAverage ? "emaSha256" : "weightsSha256"] = WeightsHash.Of(loaded.Parameters),
        }.ToJsonString();

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
