using System.CommandLine;
using Distributed.Coordinator.Pictures;
using Distributed.Framework.Data;
using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary><c>denoise</c>: pictures in, pictures out.</summary>
internal static class DenoiseCommand
{
    private const int FaultsShownMax = 5;

    /// <summary>The command with its options.</summary>
    public static Command Create(CommandContext context, StopSignals signals)
    {
        Command command = new(
            "denoise", "Denoise a picture or stack of any size, or all those of a folder, with a trained model");
        ModelArguments model = new();
        Argument<string> input = new("INPUT")
        {
            Description = "A picture or stack (PNG, PGM, PPM, TIFF, .npy), or a folder of them",
        };
        Argument<string> output = new("OUTPUT")
        {
            Description = "The file to write (.png, .tif, .npy), of the type of the input, or the folder for them",
        };
        Option<bool> force = StrictOptions.Flag("--force", "Replace pictures that exist; never INPUT");
        Option<string?> format = StrictOptions.OneOf(
            "--format", OutputFormat.Names, "What is written [as OUTPUT is named; in folders the kind that was read]");
        Option<(double First, double Second)?> range = StrictOptions.Two(
            "--range", "LO:HI", ':', "Stored values that become 0 and 1 [those of the training]",
            (low, high) => low < high, "two finite numbers, the lower one first, as in 0:4095");
        Option<int?> threads = StrictOptions.WholeNumber(
            "--threads", "Pictures, or tiles of one, at a time: a thread and memory for each [one a core]", 1, 1024);
        Option<double?> sigma = StrictOptions.Number(
            "--sigma",
            "Standard deviation of the noise in 1/255, for models with a NoiseLevelMap [estimated from each picture]",
            value => value is >= 0 and <= GaussianNoise.SigmaMax,
            $"0 to {GaussianNoise.SigmaMax}");
        command.Arguments.Add(input);
        command.Arguments.Add(output);
        model.AddTo(command);
        command.Options.Add(format);
        command.Options.Add(range);
        command.Options.Add(sigma);
        command.Options.Add(force);
        command.Options.Add(threads);
        command.SetAction(result =>
        {
            (string Input, string Output)[] pictures = List(
                result.GetRequiredValue(input),
                result.GetRequiredValue(output),
                result.GetValue(format),
                result.GetValue(force));
            DataOptions read = new() { Source = result.GetRequiredValue(input) };
            if (DataSources.PassedOver(read) is { } passedOver)
            {
                context.Output.WriteLine(passedOver);
            }

            int all = result.GetValue(threads) ?? Environment.ProcessorCount;
            int together = Math.Min(all, pictures.Length);
            PictureDenoiser denoiser = new(
                model.Load(result), Math.Max(1, all / together), result.GetValue(range), result.GetValue(sigma));
            bool isFolder = Directory.Exists(result.GetRequiredValue(input));
            List<(string Input, ReportedException Fault)> failed = [];
            Lock writing = new();
            ParallelOptions options = new()
            {
                MaxDegreeOfParallelism = together,
                CancellationToken = signals.Token,
            };
            Parallel.ForEach(pictures, options, picture =>
            {
                string output = picture.Output;
                try
                {
                    string line = denoiser.Denoise(
                        picture.Input,
                        output,
                        OutputFormat.Choose(picture.Input, output, result.GetValue(format)));
                    lock (writing)
                    {
                        context.Output.WriteLine(line);
                    }
                }
                catch (ReportedException fault) when (isFolder)
                {
                    lock (writing)
                    {
                        failed.Add((picture.Input, fault));
                    }
                }
            });
            return failed.Count == 0 ? ExitCodes.Done : throw Summary(failed, pictures.Length);
        });
        return command;
    }

    /// <summary>What is said at the end of a folder of which some pictures are no good.</summary>
    private static DataException Summary(List<(string Input, ReportedException Fault)> failed, int count)
    {
        failed.Sort((first, second) => string.CompareOrdinal(first.Input, second.Input));
        string[] faults = [.. failed.Take(FaultsShownMax).Select(one => one.Fault.CommandLine.Cause.TrimEnd('.'))];
        string more = failed.Count > FaultsShownMax ? $"; and {failed.Count - FaultsShownMax} more" : "";
        return new DataException(
            $"{failed.Count} of {count} pictures could not be denoised: {string.Join("; ", faults)}{more}.",
            $"The others are written. {failed[0].Fault.CommandLine.Remedy}");
    }

    /// <summary>What goes where; refuses before anything is written.</summary>
    private static (string Input, string Output)[] List(string input, string output, string? format, bool force)
    {
        bool isFolder = Directory.Exists(input);
        if (isFolder && OutputFiles.AreSame(input, output))
        {
            throw new ConfigurationException(
                $"{output} is the folder of the pictures themselves; nothing was written.", "Choose another folder.");
        }

        if (isFolder && File.Exists(output))
        {
            throw new ConfigurationException(
                $"{input} is a folder, but {output} is a file.", "Name a folder to write to.");
        }

        (string Input, string Output)[] pictures = isFolder
            ? [.. ListPictures(input).Select(path => (path, Path.Combine(output, OutputFormat.NameOf(path, format))))]
            : [(input, Directory.Exists(output) ? Path.Combine(output, OutputFormat.NameOf(input, format)) : output)];
        CheckNames(pictures, format);
        foreach ((string source, string target) in pictures)
        {
            OutputFiles.CheckNotInput(source, target);
            OutputFiles.CheckFree(target, force);
        }

        return pictures;
    }

    /// <summary>Refuses names that would mislead, and two pictures of one name.</summary>
    private static void CheckNames((string Input, string Output)[] pictures, string? format)
    {
        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string input, string output) in pictures)
        {
            _ = OutputFormat.Choose(input, output, format);
            if (!names.Add(output))
            {
                throw new ConfigurationException(
                    $"{input} and another picture of the folder would both be written to {output}.",
                    "Rename one of them; nothing was written.");
            }
        }
    }

    private static string[] ListPictures(string folder)
    {
        string[] files =
            [.. Directory.EnumerateFiles(folder).Where(IsTaken).Order(StringComparer.Ordinal)];
        return files.Length > 0
            ? files
            : throw new DataException(
                $"{folder} holds no picture that can be read.",
                DataSources.PassedOver(new DataOptions { Source = folder })
                ?? "Name a folder with .png, .pgm, .ppm, .tif or .npy files in it.");

        static bool IsTaken(string path) => StoredPicture.HasName(path)
            || (OutputFormat.Find(path) == OutputFormat.Npy
                && !Path.GetFileName(path).StartsWith("._", StringComparison.Ordinal));
    }
}
