using System.CommandLine;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands.Display;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

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
        Command command = new("train", "Train a denoiser with all cores; without options on synthetic images");
        TrainArguments arguments = new();
        arguments.AddTo(command);
        Option<bool> json = StrictOptions.Flag(
            "--json", "One JSON object as the last line of standard output; the rest goes to standard error");
        Option<bool> showConfig = StrictOptions.Flag(
            "--show-config", "Only show every option with its value, and where that is from");
        command.Options.Add(json);
        command.Options.Add(showConfig);
        command.SetAction((result, _) =>
        {
            TrainSettings settings = TrainSettings.Read(context.OpenSettings);
            TrainOptions options = Read();
            if (result.GetValue(showConfig))
            {
                ConfigTable.Write(
                    context.Output,
                    result,
                    commandLine,
                    SettingsSource.Read(context.OpenSettings, command),
                    options);
                return Task.FromResult(ExitCodes.Done);
            }

            if (result.GetValue(arguments.OrStandby))
            {
                return StandbyCommand.BeginAsync(
                    options.Run!, Read, result.GetValue(json), context, signals);
            }

            return options.Repeat is { } count
                ? RepeatAsync(options, count, result.GetValue(json), context, signals)
                : RunAsync(options, result.GetValue(json), context, signals);

            TrainOptions Read() => arguments.Read(result, settings, commandLine);
        });
        return command;
    }

    /// <summary>
    /// Runs with one seed after the other, each in its own folder; then their mean and deviation. To resume, those
    /// that are finished are passed over, and the one that was cut off goes on.
    /// </summary>
    private static async Task<int> RepeatAsync(
        TrainOptions options, int count, bool json, CommandContext context, StopSignals signals)
    {
        if (options.Configuration.Seed > uint.MaxValue - (uint)(count - 1))
        {
            throw new ConfigurationException(
                $"--repeat {count}: seeds from {options.Configuration.Seed} on pass 4294967295.",
                "Give a smaller --seed.");
        }

        TextWriter human = context.Human(json);
        RepeatSummary summary = new(RepeatSummary.FolderOf(options, context.Clock));
        for (uint i = 0; i < count; i++)
        {
            uint seed = options.Configuration.Seed + i;
            TrainOptions one = options with
            {
                Configuration = options.Configuration with { Seed = seed },
                Run = RepeatedRuns.FolderOf(summary.Folder, seed),
                Resume = options.Resume == Resumption.None ? Resumption.None : Resumption.Auto,
                Repeat = null,
            };
            if (options.Resume != Resumption.None && RepeatedRuns.ReadFinished(one) is { } finished)
            {
                human.WriteLine($"Run {i + 1} of {count}, seed {seed}: finished before");
                summary.Add(finished);
                continue;
            }

            human.WriteLine($"Run {i + 1} of {count}, seed {seed}");
            TrainResult result;
            using (TrainingDisplay display = TrainingDisplay.Create(context, json))
            {
                result = await context.Train(one, display, signals.Token);
            }

            if (result.IsStopped)
            {
                human.WriteLine($"Stopped in run {i + 1} of {count}: {one.Run}");
                human.WriteLine($"  {context.Program} {TrainEnding.Resume(options, summary.Folder)}");
                return signals.ExitCode ?? ExitCodes.Interrupted;
            }

            summary.Add(RepeatedRuns.WriteFinished(one, result.Summary));
        }

        summary.WriteText(human);
        summary.WriteFile();
        if (json)
        {
            await context.Output.WriteLineAsync(summary.ToJson());
        }

        return ExitCodes.Done;
    }

    /// <summary>Trains one run, and writes its last lines.</summary>
    public static async Task<int> RunAsync(
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
