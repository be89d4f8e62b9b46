using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Experiments;

/// <summary>Where the trials of an experiment are kept: <c>trials/NAME</c>.</summary>
/// <remarks>
/// Until 2026-11 a trial was called a cell, its arguments words, its configuration a group, and --shard was --leaf.
/// Folders of then are gone on with under the names of now.
/// </remarks>
internal static class ExperimentFolder
{
    private const string Trials = "trials";
    private const string TrialsBefore = "cells";

    /// <summary>The folder of a trial.</summary>
    public static string OfTrial(string folder, Trial trial) =>
        Path.Combine(folder, Trials, FolderName.Of(trial.Name));

    /// <summary>Gives trials from before their place of now.</summary>
    /// <param name="folder">The experiment's, locked.</param>
    /// <exception cref="IOException">The disk failed.</exception>
    public static void Adopt(string folder)
    {
        string before = Path.Combine(folder, TrialsBefore);
        if (Directory.Exists(before) && !Directory.Exists(Path.Combine(folder, Trials)))
        {
            Directory.Move(before, Path.Combine(folder, Trials));
        }
    }

    /// <summary>Gives a property of an object its name of now.</summary>
    public static void Rename(JsonObject json, string before, string now)
    {
        if (!json.ContainsKey(now) && json.Remove(before, out JsonNode? value))
        {
            json[now] = value;
        }
    }

    /// <summary>As <see cref="Rename"/>, for the words of before, which are arguments now.</summary>
    public static void RenameArguments(JsonObject json)
    {
        Rename(json, "words", "arguments");
        if (json["arguments"] is JsonArray arguments)
        {
            for (int i = 0; i < arguments.Count; i++)
            {
                if (arguments[i] is JsonValue value && value.TryGetValue(out string? text) && text == "--leaf")
                {
                    arguments[i] = "--shard";
                }
            }
        }
    }
}
