using System.Text.Json.Nodes;

namespace Distributed.Coordinator.Runs;

/// <summary>One setting that differs between a saved configuration and the one of now.</summary>
/// <param name="Key">Dotted path: <c>optimizer.lr</c>, <c>model.layers.2.channels</c>.</param>
/// <param name="Saved">The saved value as JSON; "(none)" if it was not there.</param>
/// <param name="Now">The value of now, likewise.</param>
public sealed record ConfigurationDifference(string Key, string Saved, string Now)
{
    private const string Absent = "(none)";

    /// <summary>All differences, in the order of the saved configuration, new keys last.</summary>
    /// <param name="saved">What the run was started with.</param>
    /// <param name="now">What it would go on with.</param>
    /// <param name="mayChange">Dotted paths that are not compared, nor is anything below them.</param>
    public static IReadOnlyList<ConfigurationDifference> Find(
        JsonNode? saved, JsonNode? now, IReadOnlySet<string> mayChange)
    {
        List<ConfigurationDifference> differences = [];
        Compare("", saved, now, mayChange, differences);
        return differences;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Key} was {Saved}, now {Now}";

    private static void Compare(
        string path,
        JsonNode? saved,
        JsonNode? now,
        IReadOnlySet<string> mayChange,
        List<ConfigurationDifference> differences)
    {
        if (mayChange.Contains(path) || JsonNode.DeepEquals(saved, now))
        {
            return;
        }

        switch (saved, now)
        {
            case (JsonObject savedObject, JsonObject nowObject):
                foreach (string key in savedObject.Concat(nowObject).Select(member => member.Key).Distinct())
                {
                    CompareMember(Join(path, key), Member(savedObject, key), Member(nowObject, key));
                }

                break;
            case (JsonArray savedArray, JsonArray nowArray):
                for (int i = 0; i < Math.Max(savedArray.Count, nowArray.Count); i++)
                {
                    CompareMember(Join(path, $"{i}"), Member(savedArray, i), Member(nowArray, i));
                }

                break;
            default:
                differences.Add(new ConfigurationDifference(path, Text(saved), Text(now)));
                break;
        }

        void CompareMember(string key, (bool There, JsonNode? Value) before, (bool There, JsonNode? Value) after)
        {
            if (before.There && after.There)
            {
                Compare(key, before.Value, after.Value, mayChange, differences);
            }
            else if (!mayChange.Contains(key))
            {
                differences.Add(new ConfigurationDifference(
                    key, before.There ? Text(before.Value) : Absent, after.There ? Text(after.Value) : Absent));
            }
        }
    }

    private static (bool There, JsonNode? Value) Member(JsonObject node, string key) =>
        (node.TryGetPropertyValue(key, out JsonNode? value), value);

    private static (bool There, JsonNode? Value) Member(JsonArray node, int index) =>
        index < node.Count ? (true, node[index]) : (false, null);

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private static string Text(JsonNode? node) => node?.ToJsonString() ?? "null";
}
