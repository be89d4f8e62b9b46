using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Training;

/// <summary>What a file of weights says besides: of which model they are, and which stored values were 0 and 1.
/// </summary>
/// <remarks>
/// Metadata of safetensors, all of it text: <c>model</c> (as the user named it), <c>layers</c> (JSON, as ModelSpec has
/// it), <c>range</c> (LOW:HIGH, missing if types had their own). Checkpoints have all of it in their configuration.
/// </remarks>
/// <param name="Model">As the user named it; null if the file does not say.</param>
/// <param name="Layers">The model's layers; null if the file does not say.</param>
/// <param name="Range">Stored values that became 0 and 1; null for the types' own.</param>
public sealed record WeightsMetadata(string? Model, JsonArray? Layers, (double Low, double High)? Range)
{
    /// <summary>Under which a checkpoint has its configuration.</summary>
    internal const string ConfigurationKey = "configuration";

    private const string LayersKey = "layers";
    private const string RangeKey = "range";

    /// <summary>What a configuration says.</summary>
    public static WeightsMetadata Of(RunConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return new WeightsMetadata(
            configuration.Model,
            configuration.Layers,
            configuration.Data is { RangeLow: { } low, RangeHigh: { } high } ? (low, high) : null);
    }

    /// <summary>Reads it. A file of others may have none of it.</summary>
    /// <param name="metadata">Of the file.</param>
    /// <param name="place">What messages call the file.</param>
    /// <exception cref="DataException">It is damaged.</exception>
    public static WeightsMetadata Parse(IReadOnlyDictionary<string, string> metadata, string place)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        try
        {
            if (metadata.TryGetValue(ConfigurationKey, out string? configuration))
            {
                return Of(RunConfiguration.Parse(configuration));
            }

            return new WeightsMetadata(
                metadata.GetValueOrDefault("model"),
                metadata.TryGetValue(LayersKey, out string? layers) ? JsonNode.Parse(layers) as JsonArray : null,
                metadata.TryGetValue(RangeKey, out string? range) ? ParseRange(range) : null);
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            throw new DataException(
                $"{place}: what it says of its model is damaged: {exception.Message}", "Export it again.", exception);
        }
    }

    /// <summary>As metadata of a file.</summary>
    public Dictionary<string, string> ToDictionary()
    {
        Dictionary<string, string> metadata = new() { ["format"] = "pt" };
        if (Model is not null)
        {
            metadata["model"] = Model;
        }

        if (Layers is not null)
        {
            metadata[LayersKey] = Layers.ToJsonString();
        }

        if (Range is { } range)
        {
            metadata[RangeKey] = string.Create(CultureInfo.InvariantCulture, $"{range.Low:R}:{range.High:R}");
        }

        return metadata;
    }

    private static (double Low, double High) ParseRange(string text)
    {
        string[] parts = text.Split(':');
        double[] bounds = [.. parts.Select(part => double.Parse(part, CultureInfo.InvariantCulture))];
        return bounds is [var low, var high] && double.IsFinite(low) && double.IsFinite(high) && low < high
            ? (low, high)
            : throw new FormatException($"'{text}' is no range.");
    }
}
