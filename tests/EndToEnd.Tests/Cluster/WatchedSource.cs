using System.Collections.Concurrent;
using Distributed.Framework.Data;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Worker.Actors;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>Drawn pairs, whose readers are noted; on a bad machine some value is not finite.</summary>
internal sealed class WatchedSource(PairSource inner, bool isSick, ConcurrentDictionary<int, bool> threads) : PairSource
{
    public override int Count => inner.Count;

    public override ImageShape Shape => inner.Shape;

    public override bool HasCleanTargets => inner.HasCleanTargets;

    public override string ContentHash => inner.ContentHash;

    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        threads.TryAdd(Environment.CurrentManagedThreadId, true);
        inner.Read(index, epoch, input, target);
        if (isSick)
        {
            input[input.Length / 2] = float.NaN;
        }
    }
}

/// <summary>A worker's data, drawn on its machine.</summary>
/// <param name="isSick">Whether it is a bad machine.</param>
internal sealed class WatchedJobs(bool isSick) : JobSource(data: null, cache: "none", note: _ => { })
{
    private int _opened;

    /// <summary>How often data were opened and a model compiled.</summary>
    public int Opened => Volatile.Read(ref _opened);

    /// <summary>Threads that have read data: those that compute.</summary>
    public ConcurrentDictionary<int, bool> Threads { get; } = [];

    public override TrainingJob? Open(RunConfiguration configuration)
    {
        Interlocked.Increment(ref _opened);
        return new TrainingJob(
            configuration,
            new WatchedSource(DataSources.OpenTraining(configuration.Data), isSick, Threads));
    }
}
