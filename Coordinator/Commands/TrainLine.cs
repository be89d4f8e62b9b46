using System.CommandLine;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary><c>train</c> by arguments that come from elsewhere than this program's own command line.</summary>
/// <param name="context">Its <see cref="CommandContext.Train"/> trains.</param>
/// <param name="settings">Defaults.</param>
internal sealed class TrainLine(CommandContext context, TrainSettings settings) : ITrainCommand
{
    /// <inheritdoc cref="ITrainCommand.Find"/>
    public static TrainOption? FindOption(string name)
    {
        string full = name.StartsWith("--", StringComparison.Ordinal) ? name : "--" + name;
        Option? found = new TrainArguments().All.FirstOrDefault(option => option.Name == full);
        return found is null ? null : new TrainOption(found.Name, found.Arity.MaximumNumberOfValues == 0);
    }

    /// <inheritdoc/>
    public TrainOption? Find(string name) => FindOption(name);

    /// <inheritdoc/>
    public TrainOptions Parse(IReadOnlyList<string> arguments)
    {
        TrainArguments train = new();
        Command command = new("train");
        train.AddTo(command);
        ParseResult result = command.Parse(arguments, new ParserConfiguration
        {
            EnablePosixBundling = false,
            ResponseFileTokenReplacer = null,
        });
        return result.Errors.Count == 0
            ? train.Read(result, settings, arguments)
            : throw new ConfigurationException(
                string.Join(' ', result.Errors.Select(error => error.Message).Distinct()),
                "Give options as train takes them; see: train --help");
    }

    /// <inheritdoc/>
    public Task<TrainResult> RunAsync(TrainOptions options, ITrainingDisplay display, CancellationToken stop) =>
        context.Train(options, display, stop);

    /// <inheritdoc/>
    public TrialFault Explain(Exception exception)
    {
        ErrorReport report = ErrorReport.Of(exception);
        return new TrialFault($"{report.Cause} {report.Remedy}", report.ExitCode == ExitCodes.DiskFull);
    }
}
