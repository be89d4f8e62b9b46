using System.CommandLine;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Commands;

/// <summary>Options of <c>train</c> that come from elsewhere than this program's own command line.</summary>
internal static class TrainLine
{
    /// <summary>Reads them by the rules of <c>train</c>.</summary>
    /// <exception cref="ConfigurationException">
    /// They are not options of <c>train</c>, or out of their range.
    /// </exception>
    public static TrainOptions Parse(IReadOnlyList<string> line, TrainSettings settings)
    {
        TrainArguments arguments = new();
        Command command = new("train");
        arguments.AddTo(command);
        ParseResult result = command.Parse(line, new ParserConfiguration
        {
            EnablePosixBundling = false,
            ResponseFileTokenReplacer = null,
        });
        return result.Errors.Count == 0
            ? arguments.Read(result, settings, line)
            : throw new ConfigurationException(
                string.Join(' ', result.Errors.Select(error => error.Message).Distinct()),
                "Give options as train takes them; see: train --help");
    }

    /// <summary>The option of <c>train</c> with this name, without or with its dashes; null if there is none.</summary>
    public static Option? Find(string name)
    {
        string full = name.StartsWith("--", StringComparison.Ordinal) ? name : "--" + name;
        return new TrainArguments().All.FirstOrDefault(option => option.Name == full);
    }
}
