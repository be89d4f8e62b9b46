using System.CommandLine;
using Distributed.Coordinator.Commands.Display;
using Distributed.Coordinator.Hosting;
using Distributed.Protocol.Hosting;

namespace Distributed.Coordinator.Commands;

/// <summary><c>train</c>: the main job.</summary>
internal static class TrainCommand
{
    /// <summary>The command with its options.</summary>
    /// <param name="context">Its surroundings.</param>
    /// <param name="signals">Ask it to save and end.</param>
    /// <param name="commandLine">The program's arguments, for the record.</param>
    public static Command Create(CommandContext context, StopSignals signals, IReadOnlyList<string> commandLine)
    {
        Command command = new("train", "Train a denoiser with local workers; without options on synthetic images");
        TrainArguments arguments = new();
        foreach (Option option in arguments.All)
        {
            command.Options.Add(option);
        }

        Option<bool> json = StrictOptions.Flag(
            "--json", "One JSON object as the last line of standard output; the rest goes to standard error");
        command.Options.Add(json);
        command.Validators.Add(arguments.Check);
        command.SetAction((result, _) =>
        {
            TrainSettings settings = TrainSettings.Read(context.OpenSettings);
            TrainOptions options = arguments.Read(result, settings, commandLine);
            return RunAsync(options, result.GetValue(json), context, signals);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        TrainOptions options, bool json, CommandContext context, StopSignals signals)
    {
        TrainResult result;
        using (TrainingDisplay display = TrainingDisplay.Create(context, json))
        {
            result = await context.Train(options, display, signals.Token);
        }

        TrainEnding.Write(context.Human(json), options, result, context.Program);
        if (json)
        {
            await context.Output.WriteLineAsync(result.Summary.ToJson());
        }

        return result.IsStopped ? signals.ExitCode ?? ExitCodes.Interrupted : ExitCodes.Done;
    }
}
