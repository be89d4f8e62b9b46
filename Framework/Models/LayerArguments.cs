using System.Text.Json.Nodes;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>Reads one layer's arguments from JSON and knows which were not asked for.</summary>
internal sealed class LayerArguments(JsonObject json, string path, string source)
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private ConfigurationException? _fault;

    public JsonNode? Node(string name)
    {
        _read.Add(name);
        return json[name];
    }

    public string String(string name) =>
        Node(name) is JsonValue value && value.TryGetValue(out string? text)
            ? text
            : throw Fault($"'{name}' must be a string");

    public bool IsString(string name, string expected) =>
        Node(name) is JsonValue value && value.TryGetValue(out string? text) && text == expected;

    public int Int(string name, int? otherwise = null) => Node(name) switch
    {
        null when otherwise is { } value => value,
        JsonValue value when value.TryGetValue(out int number) => number,
        JsonNode node => throw Fault($"'{name}' is {node.ToJsonString()}, not a whole number"),
        null => throw Fault($"'{name}' is missing"),
    };

    public double Double(string name, double otherwise) => Node(name) switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue(out double number) => number,
        JsonNode node => throw Fault($"'{name}' is {node.ToJsonString()}, not a number"),
    };

    public bool Bool(string name, bool otherwise) => Node(name) switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue(out bool flag) => flag,
        JsonNode node => throw Fault($"'{name}' is {node.ToJsonString()}, not true or false"),
    };

    /// <summary>The layers of a list within this layer.</summary>
    public Sequential Layers(string name) => ModelSpec.ParseList(Node(name), path, source);

    /// <summary>Makes the layer; what it says of a bad argument gets its path.</summary>
    /// <exception cref="ConfigurationException">An argument is out of range.</exception>
    public Layer Create(Func<Layer> create)
    {
        try
        {
            return create();
        }
        catch (ConfigurationException exception) when (!ReferenceEquals(exception, _fault))
        {
            throw new ConfigurationException(
                $"{source}: layer {path}: {exception.Message}", exception.Remedy, exception);
        }
    }

    /// <summary>What is wrong with an argument, with the layer's path.</summary>
    public ConfigurationException Fault(string what) => _fault = ModelSpec.Fault(source, path, what);

    public void CheckAllRead()
    {
        foreach (KeyValuePair<string, JsonNode?> argument in json)
        {
            if (!_read.Contains(argument.Key))
            {
                throw Fault($"unknown argument '{argument.Key}'");
            }
        }
    }
}
