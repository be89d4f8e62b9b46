using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;

namespace Distributed.Framework.Training;

/// <summary>How <see cref="Network.Train(PairSource, NetworkTraining?)"/> trains.</summary>
public sealed record NetworkTraining
{
    /// <summary>Passes over the pairs.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Samples of a step.</summary>
    public int Batch { get; init; } = 50;

    /// <summary>Samples of a shard: changes bits, never by the number of threads.</summary>
    public int Shard { get; init; } = 2;

    /// <summary>How parameters follow gradients.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Name of the loss.</summary>
    public string Loss { get; init; } = "mse";

    /// <summary>mean or sum.</summary>
    public string Reduction { get; init; } = "mean";

    /// <summary>How the learning rate changes: constant, cosine, step:EVERY:GAMMA or rampdown:FRACTION.</summary>
    public string Schedule { get; init; } = "constant";

    /// <summary>Steps in which the learning rate rises to its value.</summary>
    public int Warmup { get; init; }

    /// <summary>Whether pairs come in another order in each epoch.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Decides the order.</summary>
    public uint Seed { get; init; }

    /// <summary>Shards computed at once; changes no bit.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Told of each epoch's end: its 0-based number and mean loss.</summary>
    public Action<int, double>? OnEpoch { get; init; }

    /// <exception cref="ConfigurationException">A number is out of its range.</exception>
    internal void Check()
    {
        AllowedRange.Require(null, "number of epochs", Epochs, Epochs >= 1, "1 or more");
        AllowedRange.Require(null, "batch", Batch, Batch >= 1, "1 or more");
        AllowedRange.Require(null, "shard", Shard, Shard >= 1, "1 or more");
        AllowedRange.Require(null, "number of threads", Threads, Threads >= 1, "1 or more");
        AllowedRange.Require(null, "warm-up", Warmup, Warmup >= 0, "0 or more steps");
    }

    internal TrainingConfiguration Configure(Model model, PairSource pairs, ReadOnlySpan<float> state) => new()
    {
        Model = "network",
        Layers = ModelSpec.Write(model.Root),
        Data = new DataOptions { Seed = Seed },
        DataHash = pairs.ContentHash,
        Loss = Loss,
        Reduction = Reduction,
        Optimizer = Optimizer,
        Schedule = Schedule,
        Warmup = Warmup,
        Batch = Batch,
        Shard = Shard,
        Epochs = Epochs,
        Shuffle = Shuffle,
        Seed = Seed,
        InitialWeightsSha256 = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(state))),
    };
}
