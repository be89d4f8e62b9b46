using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands.Display;
using Distributed.Coordinator.Runs;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary>Finds the command, runs it, and turns whatever happens into lines and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>Said by the parser beside the real fault, a command that does not exist.</summary>
    private const string CommandIsMissing = "Required command was not provided.";

    private static readonly string[] s_forRoot = ["--help", "-h", "-?", "/?", "/h", "--version"];

    /// <summary>Runs the program.</summary>
    /// <param name="arguments">Its arguments; none, or options without a command, mean <c>train</c>.</param>
    /// <param name="context">Its surroundings.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CommandContext context)
    {
        using ServiceManager service = context.Service;
        using StopSignals signals = StopSignals.Listen(context.Error);
        using CancellationTokenRegistration stopping = signals.Token.Register(service.Stopping);
        return await RunAsync(arguments, context, signals);
    }

    /// <summary>As the other, with the signals handed in.</summary>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, CommandContext context, StopSignals signals)
    {
        Func<TrainOptions, ITrainingDisplay, CancellationToken, Task<TrainResult>> train = context.Train;
        context = context with
        {
            Train = (options, display, stop) => train(
                options with { Leaving = signals.Leaving },
                context.Service.IsThere ? new ServiceDisplay(display, context.Service, context.Clock) : display,
                stop),
        };
        try
        {
            RootCommand root = Create(context, signals, arguments);
            ParseResult result = root.Parse(WithSettings(root, WithCommand(arguments), context), new ParserConfiguration
            {
                EnablePosixBundling = false,
                ResponseFileTokenReplacer = null,
            });
            return result.Errors.Count > 0 && result.Action is not HelpWithExamples
                ? WriteUsageFault(result, arguments, context)
                : await result.InvokeAsync(new InvocationConfiguration
                {
                    Output = context.Output,
                    Error = context.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                });
        }
        catch (OperationCanceledException) when (signals.ExitCode is not null)
        {
            return signals.ExitCode.Value;
        }
        catch (NotBegunException exception) when (signals.ExitCode is { } code)
        {
            return Write(ErrorReport.Of(exception) with { ExitCode = code }, exception, arguments, context);
        }
#pragma warning disable CA1031 // The one place where every fault becomes two lines and a number.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Write(ErrorReport.Of(exception), exception, arguments, context);
        }
    }

    /// <summary>Both lines for people; with <c>--json</c> also an object for the program that called.</summary>
    private static int Write(
        ErrorReport report, Exception? exception, IReadOnlyList<string> arguments, CommandContext context)
    {
        report.Write(context.Error, exception, context.IsDebug);
        if (arguments.Contains("--json"))
        {
            context.Output.WriteLine(report.ToJson());
        }

        return report.ExitCode;
    }

    /// <summary>The commands, which options they take, and their help.</summary>
    internal static RootCommand Create(CommandContext context, StopSignals signals, IReadOnlyList<string> arguments)
    {
        RootCommand root = new(
            "Trains image denoisers from pairs of noisy images, on all cores, with the same bits on any number.\n"
            + "  Without a command: train, with the options given. 'COMMAND --help' shows the options of a command.");
        root.Subcommands.Add(TrainCommand.Create(context, signals, arguments));
        root.Subcommands.Add(StandbyCommand.Create(context, signals, arguments));
        root.Subcommands.Add(StatusCommand.Create(context, signals));
        root.Subcommands.Add(StopCommand.Create(context, signals));
        root.Subcommands.Add(SweepCommand.Create(context, signals));
        root.Subcommands.Add(ReproduceCommand.Create(context, signals));
        root.Subcommands.Add(EvaluateCommand.Create(context, signals));
        root.Subcommands.Add(DenoiseCommand.Create(context, signals));
        root.Subcommands.Add(ExportCommand.Create(context));
        root.Subcommands.Add(SecretsCommand.Create(context));
        root.Subcommands.Add(DoctorCommand.Create(context));
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show this";
        help.Action = new HelpWithExamples((HelpAction)help.Action!, context.Program);
        return root;
    }

    private static IReadOnlyList<string> WithCommand(IReadOnlyList<string> arguments) =>
        arguments.Count == 0 || (arguments[0].StartsWith('-') && !s_forRoot.Contains(arguments[0]))
            ? ["train", .. arguments]
            : arguments;

    /// <summary>Settings go where <c>train</c> and <c>standby</c> were not told on the command line.</summary>
    private static IReadOnlyList<string> WithSettings(
        RootCommand root, IReadOnlyList<string> arguments, CommandContext context) =>
        arguments is ["train" or "standby", ..] && !arguments.Any(argument => s_forRoot.Contains(argument))
            ? SettingsSource.Complete(
                arguments, root.Subcommands.Single(command => command.Name == arguments[0]), context.OpenSettings)
            : arguments;

    private static int WriteUsageFault(
        ParseResult result, IReadOnlyList<string> arguments, CommandContext context)
    {
        string name = result.CommandResult.Command is RootCommand ? "" : result.CommandResult.Command.Name + " ";
        string[] unknown = UnknownOptions(result, arguments);
        string[] faults = unknown.Length > 0
            ? [.. unknown.Select(option => $"Unknown option {option}.")]
            : [.. result.Errors.Select(error => error.Message).Distinct()];
        string cause = string.Join(' ', faults.Length > 1 ? faults.Where(fault => fault != CommandIsMissing) : faults);
        ErrorReport report = new(ExitCodes.Usage, cause, $"Nothing was done. See: {context.Program} {name}--help");
        return Write(report, exception: null, arguments, context);
    }

    /// <summary>
    /// Words that look like options and are none of the command's. The parser takes the first ones for arguments, and
    /// complains of those that are left over.
    /// </summary>
    private static string[] UnknownOptions(ParseResult result, IReadOnlyList<string> arguments)
    {
        HashSet<string> known = [.. s_forRoot];
        for (SymbolResult? at = result.CommandResult; at is not null; at = at.Parent)
        {
            if (at is CommandResult { Command: { } command })
            {
                known.UnionWith(command.Options.SelectMany(option => option.Aliases.Append(option.Name)));
            }
        }

        return
        [
            .. arguments
                .TakeWhile(argument => argument != "--")
                .Where(argument => argument.Length > 2 && argument.StartsWith("--", StringComparison.Ordinal))
                .Select(argument => argument.Split('=', ':')[0])
                .Where(name => !known.Contains(name))
                .Distinct(),
        ];
    }
}
