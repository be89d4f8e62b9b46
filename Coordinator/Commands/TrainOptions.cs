using System.Text.Json.Nodes;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Http;
using Distributed.Framework.Data;
using Distributed.Framework.Optimizers;

namespace Distributed.Coordinator.Commands;

/// <summary>What the user asked <c>train</c> for; null where a default depends on something else.</summary>
public sealed record TrainOptions
{
    /// <summary>Steps of a run that says neither steps nor epochs: about a minute of the default model.</summary>
    public const int DefaultSteps = 1000;

    /// <summary>Steps between checkpoints, unless the user says otherwise.</summary>
    public const int DefaultCheckpointEvery = 200;

    /// <summary>Where pairs come from; its seed is the run's.</summary>
    public DataOptions Data { get; init; } = new();

    /// <summary>Whether samples come in another order in each epoch.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Catalogue name with overrides, or a JSON file.</summary>
    public string Model { get; init; } = "n2n-initial";

    /// <summary>The layers of a run that is resumed without naming its model again; else null.</summary>
    public JsonArray? Layers { get; init; }

    /// <summary>How convolutions are computed.</summary>
    public string Conv { get; init; } = "auto";

    /// <summary>File of initial parameters: safetensors or a PyTorch state dictionary.</summary>
    public string? Init { get; init; }

    /// <summary>How initial parameters are drawn; null for PyTorch's default.</summary>
    public string? InitScheme { get; init; }

    /// <summary>Name of the loss.</summary>
    public string Loss { get; init; } = "mse";

    /// <summary>mean or sum.</summary>
    public string Reduction { get; init; } = "mean";

    /// <summary>How parameters follow gradients.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>How the learning rate changes; null if it does not.</summary>
    public string? Schedule { get; init; }

    /// <summary>Steps in which the learning rate rises to its full size.</summary>
    public int Warmup { get; init; }

    /// <summary>Samples of a step.</summary>
    public int Batch { get; init; } = 50;

    /// <summary>Samples of a shard; null for the model's own.</summary>
    public int? Shard { get; init; }

    /// <summary>Passes over the data; excludes <see cref="Steps"/>.</summary>
    public int? Epochs { get; init; }

    /// <summary>Steps; null, with epochs null too, for the default.</summary>
    public int? Steps { get; init; }

    /// <summary>Whether the validation pairs are noisy on both sides, so that PSNR is estimated.</summary>
    public bool NoisyValidation { get; init; }

    /// <summary>Whether to validate after every epoch, however short.</summary>
    public bool ValidateEveryEpoch { get; init; }

    /// <summary>Runs, one after the other, with one seed more each; null for one run.</summary>
    public int? Repeat { get; init; }

    /// <summary>The run folder; null for a new one.</summary>
    public string? Run { get; init; }

    /// <summary>Whether to go on with the run that is in the folder.</summary>
    public bool Resume { get; init; }

    /// <summary>Steps between checkpoints; 0 for one at the end only; null for the default.</summary>
    public int? CheckpointEvery { get; init; }

    /// <summary>Local workers, 0 for none; null for one a core.</summary>
    public int? Workers { get; init; }

    /// <summary>Threads of each local worker.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Where workers of other processes are awaited; null for the default.</summary>
    public ListenAddress? Listen { get; init; }

    /// <summary>Workers that must be ready before the first step.</summary>
    public int MinWorkers { get; init; } = 1;

    /// <summary>File of the workers' token; null for the environment's, or one that is made.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Where runs without a folder of their own go.</summary>
    public string RunsRoot { get; init; } = "runs";

    /// <summary>What is different if the run is one of an experiment; null if it is not.</summary>
    public CellOptions? Part { get; init; }

    /// <summary>The program's arguments, for the record.</summary>
    public IReadOnlyList<string> CommandLine { get; init; } = [];

    /// <summary>As a configuration records them: no names of defaults, and steps unless epochs are given.</summary>
    public TrainOptions AsRecorded() => this with
    {
        Schedule = Schedule is "constant" ? null : Schedule,
        InitScheme = InitScheme is "default" ? null : InitScheme,
        Steps = Epochs is null ? Steps ?? DefaultSteps : null,
    };
}
