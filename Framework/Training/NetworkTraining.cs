using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;

namespace Distributed.Framework.Training;

/// <summary>How <see cref="Network.Train(PairSource, NetworkTraining?)"/> trains.</summary>
public sealed record NetworkTraining
{
    private RunConfiguration _settings = new() { Model = "network", Shard = 2, Schedule = "constant", Epochs = 1 };

    /// <summary>Passes over the pairs, beyond those of earlier calls.</summary>
    public int Epochs
    {
        get => _settings.Epochs ?? 1;
        init => _settings = _settings with { Epochs = value };
    }

    /// <summary>
    /// Passes of all calls together, for schedules and losses that depend on it; null for those of this call, which is
    /// then the only one.
    /// </summary>
    public int? TotalEpochs { get; init; }

    /// <summary>Samples of a step.</summary>
    public int Batch
    {
        get => _settings.Batch;
        init => _settings = _settings with { Batch = value };
    }

    /// <summary>Samples of a shard: changes bits, never by the number of threads.</summary>
    public int Shard
    {
        get => _settings.Shard;
        init => _settings = _settings with { Shard = value };
    }

    /// <summary>How parameters follow gradients.</summary>
    public OptimizerOptions Optimizer
    {
        get => _settings.Optimizer;
        init => _settings = _settings with { Optimizer = value };
    }

    /// <summary>
    /// What a step keeps of an exponential average of the weights, below 1, as 0.999; 0 for no average. With it
    /// Predict, Evaluate, Snapshot and Save take the average (as of the last epoch's end), while Forward, Param and
    /// further training go by the weights.
    /// </summary>
    public double Ema
    {
        get => _settings.Ema;
        init => _settings = _settings with { Ema = value };
    }

    /// <summary>Name of the loss.</summary>
    public string Loss
    {
        get => _settings.Loss;
        init => _settings = _settings with { Loss = value };
    }

    /// <summary>
    /// What the weight of the second term of neighbouring pixels' loss grows to; null for the paper's, 2; 0 for none.
    /// </summary>
    public double? NeighborGamma
    {
        get => _settings.NeighborGamma;
        init => _settings = _settings with { NeighborGamma = value };
    }

    /// <summary>mean or sum.</summary>
    public string Reduction
    {
        get => _settings.Reduction;
        init => _settings = _settings with { Reduction = value };
    }

    /// <summary>How the learning rate changes: constant, cosine, step:EVERY:GAMMA or rampdown:FRACTION.</summary>
    public string Schedule
    {
        get => _settings.Schedule ?? "constant";
        init => _settings = _settings with { Schedule = value };
    }

    /// <summary>Steps in which the learning rate rises to its value.</summary>
    public int Warmup
    {
        get => _settings.Warmup;
        init => _settings = _settings with { Warmup = value };
    }

    /// <summary>Whether pairs come in another order in each epoch.</summary>
    public bool Shuffle
    {
        get => _settings.Shuffle;
        init => _settings = _settings with { Shuffle = value };
    }

    /// <summary>Decides the order.</summary>
    public uint Seed
    {
        get => _settings.Seed;
        init => _settings = _settings with { Seed = value };
    }

    /// <summary>Shards computed at once; changes no bit.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Told of each epoch's end: its 0-based number, over all calls, and mean loss. It may use the network: as it is
    /// then.
    /// </summary>
    public Action<int, double>? OnEpoch { get; init; }

    /// <summary>Told of each step's end: updates done, over all calls, and the step's loss.</summary>
    public Action<int, double>? OnStep { get; init; }

    /// <summary>Asked at each epoch's end, after OnEpoch, with the same: true ends this call early.</summary>
    public Func<int, double, bool>? StopWhen { get; init; }

    /// <exception cref="ConfigurationException">A number is out of its range.</exception>
    internal void Check()
    {
        AllowedRange.Require(null, "number of epochs", Epochs, Epochs >= 1, "1 or more");
        AllowedRange.Require(null, "total of epochs", TotalEpochs ?? 1, TotalEpochs is null or >= 1, "1 or more");
        AllowedRange.Require(null, "batch", Batch, Batch >= 1, "1 or more");
        AllowedRange.Require(null, "shard", Shard, Shard >= 1, "1 or more");
        AllowedRange.Require(null, "number of threads", Threads, Threads >= 1, "1 or more");
        WeightsAverage.Check(Ema);
        AllowedRange.Require(null, "warm-up", Warmup, Warmup >= 0, "0 or more steps");
    }

    internal RunConfiguration Configure(Model model, PairSource pairs, ReadOnlySpan<float> state, int epochs) =>
        _settings with
        {
            Epochs = epochs,
            Layers = ModelSpec.Write(model.Root),
            DataHash = pairs.ContentHash,
            InitialWeightsSha256 = WeightsHash.Of(state),
        };
}
