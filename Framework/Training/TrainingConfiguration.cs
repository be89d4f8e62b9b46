using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Distributed.Framework.Data;
using Distributed.Framework.Optimizers;

namespace Distributed.Framework.Training;

/// <summary>
/// Everything that the result of a run depends on, and nothing else: the run's configuration and plan.
/// </summary>
public sealed record TrainingConfiguration
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        MaxDepth = 64,
    };

    /// <summary>The model as the user named it.</summary>
    public required string Model { get; init; }

    /// <summary>The model's layers.</summary>
    public required JsonArray Layers { get; init; }

    /// <summary>How convolutions are computed: a name of <see cref="Execution.ConvolutionAlgorithms"/>.</summary>
    public string Conv { get; init; } = "auto";

    /// <summary>Where pairs come from.</summary>
    public required DataOptions Data { get; init; }

    /// <summary>Hash of the training data.</summary>
    public required string DataHash { get; init; }

    /// <summary>Hash of the validation data; null if there is none.</summary>
    public string? ValidationHash { get; init; }

    /// <summary>Whether the validation pairs are noisy on both sides, so that PSNR is estimated.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NoisyValidation { get; init; }

    /// <summary>Name of the loss.</summary>
    public string Loss { get; init; } = "mse";

    /// <summary>mean or sum.</summary>
    public string Reduction { get; init; } = "mean";

    /// <summary>How parameters follow gradients.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>How the learning rate changes, as RateSchedule reads it; null if it does not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Schedule { get; init; }

    /// <summary>Steps in which the learning rate rises to its full size; 0 for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Warmup { get; init; }

    /// <summary>Samples of a step.</summary>
    public required int Batch { get; init; }

    /// <summary>Samples of a shard.</summary>
    public required int Shard { get; init; }

    /// <summary>Passes over the data; null if steps are counted.</summary>
    public int? Epochs { get; init; }

    /// <summary>Steps of the run; null if epochs are counted.</summary>
    public int? Steps { get; init; }

    /// <summary>Whether samples come in another order in each epoch.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Decides everything random.</summary>
    public uint Seed { get; init; }

    /// <summary>File of initial parameters, as the user named it; null for random ones.</summary>
    public string? Init { get; init; }

    /// <summary>How initial parameters are drawn, as Initializer reads it; null for PyTorch's default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? InitScheme { get; init; }

    /// <summary>SHA-256 of the initial parameters.</summary>
    public required string InitialWeightsSha256 { get; init; }

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static TrainingConfiguration Parse(string json) =>
        JsonSerializer.Deserialize<TrainingConfiguration>(json, s_json)
        ?? throw new JsonException("The configuration is null.");

    /// <summary>As JSON, one line, names in camel case.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    /// <summary>As a JSON tree, to be compared.</summary>
    public JsonObject ToJsonObject() => JsonSerializer.SerializeToNode(this, s_json)!.AsObject();
}
