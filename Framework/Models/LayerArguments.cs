using System.Text.Json.Nodes;

namespace Distributed.Framework.Models;

/// <summary>Reads one layer's arguments from JSON and knows which were not asked for.</summary>
internal sealed class LayerArguments(JsonObject json, string path, string source)
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public JsonNode? Node(string name)
    {
        _read.Add(name);
        return json[name];
    }

    public string String(string name) =>
        Node(name) is JsonValue value && value.TryGetValue(out string? text)
            ? text
            : throw ModelSpec.Fault(source, path, $"'{name}' must be a string");

    public bool IsString(string name, string expected) =>
        Node(name) is JsonValue value && value.TryGetValue(out string? text) && text == expected;

    public int Int(string name, int? otherwise = null) => Node(name) switch
    {
        null when otherwise is { } value => value,
        JsonValue value when value.TryGetValue(out int number) => number,
        JsonNode node => throw ModelSpec.Fault(source, path, $"'{name}' is {node.ToJsonString()}, not a whole number"),
        null => throw ModelSpec.Fault(source, path, $"'{name}' is missing"),
    };

    public bool Bool(string name, bool otherwise) => Node(name) switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue(out bool flag) => flag,
        JsonNode node => throw ModelSpec.Fault(source, path, $"'{name}' is {node.ToJsonString()}, not true or false"),
    };

    public void CheckAllRead()
    {
        foreach (KeyValuePair<string, JsonNode?> argument in json)
        {
            if (!_read.Contains(argument.Key))
            {
                throw ModelSpec.Fault(source, path, $"unknown argument '{argument.Key}'");
            }
        }
    }
}
