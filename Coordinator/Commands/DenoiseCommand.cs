using System.CommandLine;
using Distributed.Coordinator.Pictures;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary><c>denoise</c>: pictures in, pictures out.</summary>
internal static class DenoiseCommand
{
    /// <summary>The command with its options.</summary>
    public static Command Create(CommandContext context, StopSignals signals)
    {
        Command command = new("denoise", "Denoise a picture, or all those of a folder, with a trained model");
        ModelArguments model = new();
        Argument<string> input = new("INPUT")
        {
            Description = "A picture (PNG, PGM, PPM, TIFF, .npy), or a folder of them",
        };
        Argument<string> output = new("OUTPUT")
        {
            Description = "The PNG picture to write, of 8 or 16 bits as the input, or the folder for them",
        };
        Option<bool> force = StrictOptions.Flag("--force", "Replace pictures that exist; never INPUT");
        Option<int?> threads = StrictOptions.WholeNumber(
            "--threads", "Pictures, or tiles of one, at a time: a thread and memory for each [one a core]", 1, 1024);
        command.Arguments.Add(input);
        command.Arguments.Add(output);
        model.AddTo(command);
        command.Options.Add(force);
        command.Options.Add(threads);
        command.SetAction(result =>
        {
            (string Input, string Output)[] pictures = List(
                result.GetRequiredValue(input), result.GetRequiredValue(output), result.GetValue(force));
            DataOptions read = new() { Source = result.GetRequiredValue(input) };
            if (DataSources.PassedOver(read) is { } passedOver)
            {
                context.Output.WriteLine(passedOver);
            }

            int all = result.GetValue(threads) ?? Environment.ProcessorCount;
            int together = Math.Min(all, pictures.Length);
            PictureDenoiser denoiser = new(model.Load(result), Math.Max(1, all / together));
            Lock writing = new();
            ParallelOptions options = new()
            {
                MaxDegreeOfParallelism = together,
                CancellationToken = signals.Token,
            };
            Parallel.ForEach(pictures, options, picture =>
            {
                string line = denoiser.Denoise(picture.Input, picture.Output);
                lock (writing)
                {
                    context.Output.WriteLine(line);
                }
            });
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>What goes where; refuses before anything is written.</summary>
    private static (string Input, string Output)[] List(string input, string output, bool force)
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
            ? [.. ListPictures(input).Select(path => (path, Path.Combine(output, PngName(path))))]
            : [(input, Directory.Exists(output) ? Path.Combine(output, PngName(input)) : output)];
        CheckNames(pictures);
        foreach ((string source, string target) in pictures)
        {
            OutputFiles.CheckNotInput(source, target);
            OutputFiles.CheckFree(target, force);
        }

        return pictures;
    }

    /// <summary>Refuses names that would mislead, and two pictures of one name.</summary>
    private static void CheckNames((string Input, string Output)[] pictures)
    {
        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string input, string output) in pictures)
        {
            if (StoredPicture.HasOtherName(output))
            {
                throw new ConfigurationException(
                    $"{output} has the name of another format; PNG is written, nothing else.",
                    $"Name it {Path.GetFileName(Path.ChangeExtension(output, ".png"))}; nothing was written.");
            }

            if (!names.Add(output))
            {
                throw new ConfigurationException(
                    $"{input} and another picture of the folder would both be written to {output}.",
                    "Rename one of them; nothing was written.");
            }
        }
    }

    private static string PngName(string input) => StoredPicture.IsNamedPng(input)
        ? Path.GetFileName(input)
        : Path.GetFileNameWithoutExtension(input) + ".png";

    private static string[] ListPictures(string folder)
    {
        string[] files =
            [.. Directory.EnumerateFiles(folder).Where(StoredPicture.HasName).Order(StringComparer.Ordinal)];
        return files.Length > 0
            ? files
            : throw new DataException(
                $"{folder} holds no picture that can be read.",
                DataSources.PassedOver(new DataOptions { Source = folder })
                ?? "Name a folder with .png, .pgm, .ppm or .tif files in it.");
    }
}
