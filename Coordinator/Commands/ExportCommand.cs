using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Coordinator.Pictures;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary><c>export</c>: a run's weights as a file for other programs.</summary>
internal static class ExportCommand
{
    /// <summary>The command with its options.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("export", "Write a run's weights as a file that other programs read");
        Option<string?> run = StrictOptions.Text("--run", "DIR", "The run folder");
        Option<bool> best = StrictOptions.Flag("--best", "Of the run, the best validated weights instead of the last");
        Option<string?> checkpoint = StrictOptions.Text("--checkpoint", "FILE", "A checkpoint instead of a run");
        Option<string?> format = StrictOptions.OneOf(
            "--format", ["safetensors"], "Parameters under PyTorch's names, in its layout [safetensors]");
        Option<bool> force = StrictOptions.Flag("--force", "Replace OUTPUT if it exists");
        Argument<string> output = new("OUTPUT") { Description = "The file to write" };
        command.Arguments.Add(output);
        foreach (Option option in new Option[] { run, best, checkpoint, format, force })
        {
            command.Options.Add(option);
        }

        command.Validators.Add(Check);
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(output);
            CheckName(path);
            OutputFiles.CheckFree(path, result.GetValue(force));
            LoadedModel loaded = result.GetValue(run) is { } folder
                ? ModelLoader.FromRun(folder, result.GetValue(best))
                : ModelLoader.FromCheckpoint(result.GetValue(checkpoint)!);
            OutputFiles.CheckNotInput(loaded.Weights, path);
            Dictionary<string, string> metadata = WeightsMetadata.Of(loaded.Configuration!).ToDictionary();
            IReadOnlyList<NamedTensor> tensors = TrainingCheckpoint.Tensors(loaded.Model, loaded.Parameters);
            OutputFiles.Write(path, stream => SafetensorsWriter.Write(stream, metadata, tensors));
            context.Output.WriteLine(
                $"Wrote {path}: {tensors.Count} tensors, {loaded.Model.StateCount} numbers of {loaded.Weights}.");
            return ExitCodes.Done;
        });
        return command;

        static void CheckName(string path)
        {
            string extension = Path.GetExtension(path).ToLowerInvariant();
            if (extension is ".pth" or ".pt" or ".pkl" or ".bin" or ".ckpt" or ".onnx" or ".npz" or ".h5")
            {
                throw new ConfigurationException(
                    $"{path} has the name of another format; safetensors is written, nothing else.",
                    $"Name it {Path.GetFileName(Path.ChangeExtension(path, ".safetensors"))}, which PyTorch reads with "
                    + "safetensors.torch.load_file; nothing was written.");
            }
        }

        void Check(CommandResult result)
        {
            bool hasRun = result.GetResult(run) is not null;
            if (hasRun == result.GetResult(checkpoint) is not null)
            {
                result.AddError(hasRun
                    ? "--run and --checkpoint exclude each other; give one of them."
                    : "There is nothing to export; give --run DIR or --checkpoint FILE.");
            }
            else if (!hasRun && result.GetResult(best) is { Implicit: false })
            {
                result.AddError("--best belongs to --run.");
            }
        }
    }
}
