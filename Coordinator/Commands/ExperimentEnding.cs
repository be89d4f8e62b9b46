using System.Text.Json.Nodes;
using Distributed.Coordinator.Experiments;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary>The last lines of an experiment, and its exit code.</summary>
internal static class ExperimentEnding
{
    /// <summary>Where to write, and about what.</summary>
    public sealed record Surroundings(CommandContext Context, TextWriter Human, bool IsJson, string Folder);

    /// <summary>Writes them.</summary>
    /// <param name="results">Of all trials.</param>
    /// <param name="files">What was written.</param>
    /// <param name="resume">What to type to go on.</param>
    /// <param name="around">Where to write.</param>
    /// <param name="signals">Say whether the user stopped it.</param>
    public static int Write(
        IReadOnlyList<TrialResult> results,
        IReadOnlyList<string> files,
        string resume,
        Surroundings around,
        StopSignals signals)
    {
        TrialResult[] failed = [.. results.Where(result => result.Status == TrialStatus.Failed)];
        bool isStopped = results.Any(result => result.Status == TrialStatus.Stopped);
        around.Human.WriteLine();
        foreach (string file in files)
        {
            around.Human.WriteLine($"Wrote {file}");
        }

        foreach (TrialResult result in failed)
        {
            around.Human.WriteLine($"Failed: {result.Trial.Name}: {result.Cause}");
        }

        if (isStopped || failed.Length > 0)
        {
            around.Human.WriteLine($"Go on with: {resume}");
        }

        if (around.IsJson)
        {
            around.Context.Output.WriteLine(new JsonObject
            {
                ["run"] = around.Folder,
                ["trials"] = results.Count,
                ["done"] = results.Count(result => result.Status == TrialStatus.Done),
                ["diverged"] = results.Count(result => result.Status == TrialStatus.Diverged),
                ["failed"] = failed.Length,
                ["files"] = new JsonArray([.. files.Select(file => (JsonNode)file)]),
            }.ToJsonString());
        }

        return signals.ExitCode is { } code && isStopped ? code
            : failed.Length > 0 || isStopped ? ExitCodes.Failed
            : ExitCodes.Done;
    }
}
