using System.CommandLine;
using Distributed.Coordinator.Runs;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary>Asks who holds a run over the network, by the address in its folder.</summary>
internal interface IHolderContact
{
    /// <summary>What it says of the run; null if it cannot be reached.</summary>
    Task<FolderStatus?> AskAsync(FolderStatus known, CancellationToken stop);

    /// <summary>Asks it to end the run for all; whether it was heard.</summary>
    Task<bool> StopAsync(FolderStatus known, CancellationToken stop);
}

/// <summary><c>status</c>: who holds a run, and how far it is.</summary>
internal static class StatusCommand
{
    /// <summary>The command with its options.</summary>
    public static Command Create(CommandContext context, StopSignals signals)
    {
        Command command = new("status", "Show who holds a run, and how far it is");
        RunQuestion question = new(command);
        command.SetAction(async (result, _) =>
        {
            FolderStatus status = FolderStatus.Read(question.Folder(result), context.Clock);
            if (status.IsHeld && context.Contact is { } contact)
            {
                status = await contact.AskAsync(status, signals.Token) ?? status;
            }

            if (!question.IsJson(result))
            {
                context.Output.WriteLine(status.ToLine());
            }

            WriteJson(status, question.IsJson(result), context);
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>The last line of standard output, if it is wanted.</summary>
    public static void WriteJson(FolderStatus status, bool json, CommandContext context)
    {
        if (json)
        {
            context.Output.WriteLine(status.ToJson());
        }
    }
}

/// <summary>The options of a command that asks about a run.</summary>
internal sealed class RunQuestion
{
    private readonly Option<string?> _run = StrictOptions.Text("--run", "DIR", "The run folder");
    private readonly Option<bool> _json = StrictOptions.Flag(
        "--json", "One JSON object as the last line of standard output");

    /// <summary>Adds them to a command.</summary>
    public RunQuestion(Command command)
    {
        command.Options.Add(_run);
        command.Options.Add(_json);
        command.Validators.Add(result =>
        {
            if (!Setting.IsGiven(result, _run))
            {
                result.AddError("There is no run to ask about; name its folder with --run DIR.");
            }
        });
    }

    /// <summary>The run folder.</summary>
    public string Folder(ParseResult result) => result.GetValue(_run)!;

    /// <summary>Whether a program reads the answer.</summary>
    public bool IsJson(ParseResult result) => result.GetValue(_json);
}
