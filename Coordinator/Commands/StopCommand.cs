using System.CommandLine;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary><c>stop</c>: ends a run for all after the step at hand, with a checkpoint, and waits for that.</summary>
/// <remarks>
/// By a file in the run folder that its holder looks for. Whoever takes the run over in between is asked again; a
/// holder that shows no life is waited for, unless its process is known to be dead and no standby comes.
/// </remarks>
internal static class StopCommand
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(0.25);
    private static readonly TimeSpan s_sayEvery = TimeSpan.FromSeconds(30);

    /// <summary>A standby that is there has taken over by then.</summary>
    private static readonly TimeSpan s_takeover = TimeSpan.FromSeconds(5);

    /// <summary>The command with its options.</summary>
    public static Command Create(CommandContext context, StopSignals signals)
    {
        Command command = new("stop", "End a run for all after the step at hand, with a checkpoint");
        RunQuestion question = new(command);
        command.SetAction(async (result, _) =>
        {
            bool json = question.IsJson(result);
            FolderStatus before = FolderStatus.Read(question.Folder(result), context.Clock);
            if (!before.IsHeld)
            {
                throw new ConfigurationException(
                    $"There is nothing to stop: {before.ToLine()}",
                    "Name the folder of a run that goes on; status --run DIR shows whether it does.");
            }

            TextWriter human = context.Human(json);
            human.WriteLine($"Stopping {before.ToLine()}");
            if (context.Contact is { } contact)
            {
                await contact.StopAsync(before, signals.Token); // At once; the file asks whoever takes over in between.
            }

            await StopByFileAsync(before, human, context.Clock, signals.Token);

            FolderStatus after = FolderStatus.Read(before.Run, context.Clock);
            human.WriteLine($"Let go: {after.ToLine()}");
            StatusCommand.WriteJson(after, json, context);
            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task StopByFileAsync(
        FolderStatus before, TextWriter human, TimeProvider clock, CancellationToken stop)
    {
        string file = Path.Combine(before.Run, RunWatch.StopFile);
        (long Term, DateTimeOffset Since)? asked = null;
        long changedAt = clock.GetTimestamp();
        long saidAt = changedAt;
        try
        {
            while (true)
            {
                FolderStatus now = FolderStatus.Read(before.Run, clock);
                if (now.IsHeld && asked != (now.Holder!.Term, now.Holder.Since))
                {
                    File.WriteAllText(file, "");
                    asked = (now.Holder.Term, now.Holder.Since);
                }

                changedAt = now.IsHeld ? clock.GetTimestamp() : changedAt;
                if (now.IsOver || clock.GetElapsedTime(changedAt) > s_takeover)
                {
                    return;
                }

                if (clock.GetElapsedTime(saidAt) > s_sayEvery)
                {
                    saidAt = clock.GetTimestamp();
                    human.WriteLine($"Waiting for {now.ToLine()}");
                }

                await Task.Delay(s_interval, clock, stop);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }
}
