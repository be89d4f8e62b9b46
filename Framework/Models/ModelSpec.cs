using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>Models as JSON: a list of layers by their standard names, with PyTorch's argument names.</summary>
/// <remarks>
/// <c>["ReLU"]</c> or <c>[{ "type": "ReLU" }]</c>;
/// <c>{ "type": "Conv2d", "in_channels": 3, "out_channels": 32, "kernel_size": 3, "padding": 1 }</c>, where padding may
/// be "same"; <c>{ "type": "SkipConcat", "inner": [ ... ] }</c>. Unknown names and arguments are refused by path.
/// <see cref="LayerFormats"/> has the arguments of each layer.
/// </remarks>
public static class ModelSpec
{
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>Reads a model.</summary>
    /// <param name="json">The list.</param>
    /// <param name="source">File or argument, for messages.</param>
    /// <exception cref="ConfigurationException">Not JSON, or not a model; names the layer's path.</exception>
    public static Sequential Parse(string json, string source)
    {
        try
        {
            JsonNode? root = JsonNode.Parse(json, documentOptions: s_options);
            return ParseList(root, "", source);
        }
        catch (JsonException exception)
        {
            string line = exception.LineNumber is { } number ? $" (line {number + 1})" : "";
            throw new ConfigurationException(
                $"{source}: not JSON{line}: {exception.Message.Split('.')[0]}.",
                "A model is a JSON list of layers; docs/models.md has an example.",
                exception);
        }
    }

    /// <summary>Reads a model from a list that is read already.</summary>
    /// <exception cref="ConfigurationException">Not a model; names the layer's path.</exception>
    public static Sequential Parse(JsonArray layers, string source) => ParseList(layers, "", source);

    /// <summary>Writes a model so that <see cref="Parse(string, string)"/> gives it back.</summary>
    public static JsonArray Write(Sequential model) => [.. model.Layers.Select(WriteLayer)];

    private static JsonNode WriteLayer(Layer layer)
    {
        JsonObject json = new() { ["type"] = layer.Name };
        LayerFormats.All[layer.Name].Write(layer, json);
        return json;
    }

    internal static Sequential ParseList(JsonNode? node, string path, string source)
    {
        if (node is not JsonArray { Count: > 0 } list)
        {
            throw Fault(source, path, "expected a list of at least one layer");
        }

        List<Layer> layers = [];
        for (int i = 0; i < list.Count; i++)
        {
            layers.Add(ParseLayer(list[i], path.Length == 0 ? $"{i}" : $"{path}.{i}", source));
        }

        return new Sequential(layers);
    }

    private static Layer ParseLayer(JsonNode? node, string path, string source)
    {
        JsonObject arguments = node switch
        {
            JsonValue value when value.TryGetValue(out string? name) => new JsonObject { ["type"] = name },
            JsonObject json => json,
            _ => throw Fault(source, path, "expected a layer's name or an object with 'type'"),
        };
        LayerArguments reader = new(arguments, path, source);
        string type = reader.String("type");
        Layer layer = LayerFormats.All.TryGetValue(type, out LayerFormat? format)
            ? format.Parse(reader)
            : throw Fault(source, path, $"no layer is called '{type}'");
        reader.CheckAllRead();
        return layer;
    }

    internal static ConfigurationException Fault(string source, string path, string what) => new(
        $"{source}: layer {(path.Length == 0 ? "list" : path)}: {what}.",
        $"Known are {string.Join(", ", LayerFormats.All.Keys)}; arguments are named as in PyTorch.");
}
