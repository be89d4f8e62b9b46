using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Distributed.Framework.Data;
using Distributed.Framework.Optimizers;

namespace Distributed.Framework.Training;

/// <summary>
/// Everything that the result of a run depends on, and nothing else: what the user asks for, what config.json and
/// checkpoints keep, and what workers are told. A new setting is a property here and an option of <c>train</c>.
/// </summary>
/// <remarks>
/// Layers, hashes and, unless it is given, the size of a shard are derived from the others when the run is opened;
/// until then they are empty. Two configurations are equal if their JSON is.
/// </remarks>
public sealed record RunConfiguration
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        MaxDepth = 64,
    };

    /// <summary>A repeated key would otherwise be noticed only when the object is looked into.</summary>
    private static readonly JsonDocumentOptions s_strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>The model as the user named it: a catalogue name with overrides, or a JSON file.</summary>
    [JsonRequired]
    public string Model { get; init; } = "n2n-initial";

    /// <summary>The model's layers. Derived from its name, and then the run's for good.</summary>
    [JsonRequired]
    public JsonArray Layers { get; init; } = [];

    /// <summary>How convolutions are computed: a name of <see cref="Execution.ConvolutionAlgorithms"/>.</summary>
    public string Conv { get; init; } = "auto";

    /// <summary>Where pairs come from.</summary>
    [JsonRequired]
    public DataOptions Data { get; init; } = new();

    /// <summary>Hash of the training data. Derived.</summary>
    [JsonRequired]
    public string DataHash { get; init; } = "";

    /// <summary>
    /// In plans for workers alone: hash of the index by which they fetch parts of the training data. Follows from the
    /// data, and is in no file.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DataIndex { get; init; }

    /// <summary>Hash of the validation data; null if there is none. Derived.</summary>
    public string? ValidationHash { get; init; }

    /// <summary>Whether the validation pairs are noisy on both sides, so that PSNR is estimated.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NoisyValidation { get; init; }

    /// <summary>Name of the loss.</summary>
    public string Loss { get; init; } = "mse";

    /// <summary>mean or sum.</summary>
    public string Reduction { get; init; } = "mean";

    /// <summary>
    /// What the weight of the second term of neighbouring pixels' loss grows to; null for the paper's, 2. With 0 there
    /// is none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? NeighborGamma { get; init; }

    /// <summary>How parameters follow gradients.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>What a step keeps of the average of the parameters, below 1; 0 for no average.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double Ema { get; init; }

    /// <summary>How the learning rate changes, as RateSchedule reads it; null if it does not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Schedule { get; init; }

    /// <summary>Steps in which the learning rate rises to its full size; 0 for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Warmup { get; init; }

    /// <summary>Samples of a step.</summary>
    [JsonRequired]
    public int Batch { get; init; } = 50;

    /// <summary>Samples of a shard; 0, until the run is opened, for the model's own.</summary>
    [JsonRequired]
    public int Shard { get; init; }

    /// <summary>Passes over the data; null if steps are counted.</summary>
    public int? Epochs { get; init; }

    /// <summary>Steps of the run; null if epochs are counted.</summary>
    public int? Steps { get; init; }

    /// <summary>Whether samples come in another order in each epoch.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Decides everything random; the same number as in <see cref="Data"/>.</summary>
    public uint Seed
    {
        get => Data.Seed;
        init => Data = Data with { Seed = value };
    }

    /// <summary>File of initial parameters, as the user named it; null for random ones.</summary>
    public string? Init { get; init; }

    /// <summary>How initial parameters are drawn, as Initializer reads it; null for PyTorch's default.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? InitScheme { get; init; }

    /// <summary>SHA-256 of the initial parameters. Derived.</summary>
    [JsonRequired]
    public string InitialWeightsSha256 { get; init; } = "";

    /// <summary>Reads what <see cref="ToJson"/> wrote; <c>shard</c> may have its name of before, <c>leaf</c>.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static RunConfiguration Parse(string json)
    {
        if (JsonNode.Parse(json, documentOptions: s_strict) is not JsonObject node)
        {
            throw new JsonException("The configuration is no JSON object.");
        }

        if (!node.ContainsKey("shard") && node.Remove("leaf", out JsonNode? shard))
        {
            node["shard"] = shard;
        }

        return node.Deserialize<RunConfiguration>(s_json)!;
    }

    /// <summary>This, with what is derived as another configuration has it.</summary>
    public RunConfiguration WithDerivedOf(RunConfiguration opened) => this with
    {
        Layers = Layers.Count == 0 ? opened.Layers : Layers,
        DataHash = opened.DataHash,
        DataIndex = opened.DataIndex,
        ValidationHash = opened.ValidationHash,
        Shard = Shard == 0 ? opened.Shard : Shard,
        InitialWeightsSha256 = opened.InitialWeightsSha256,
    };

    /// <summary>As JSON, one line, names in camel case.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    /// <summary>As a JSON tree, to be compared.</summary>
    public JsonObject ToJsonObject() => JsonSerializer.SerializeToNode(this, s_json)!.AsObject();

    /// <inheritdoc/>
    public bool Equals(RunConfiguration? other) =>
        other is not null && JsonNode.DeepEquals(ToJsonObject(), other.ToJsonObject());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Model, Batch, Seed, Optimizer);
}
