using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Worker.Compute;

/// <summary>A range of shards to compute, and how far it is. Used again for later ranges.</summary>
internal sealed class ShardRangeWork
{
    private ShardRange _span;
    private int _next;

    /// <summary>Adds up what is computed.</summary>
    public TreeReduction<PooledBuffer> Sums { get; } = new(GradientArithmetic.Combine);

    /// <summary>Whether every shard has been handed out.</summary>
    public bool IsHandedOut => _next >= _span.End;

    /// <summary>Starts a range.</summary>
    public void Begin(int shardCount, ShardRange span)
    {
        _span = span;
        _next = span.First;
        Sums.Reset(shardCount, span);
    }

    /// <summary>Gives the range up: nothing more is handed out, and what was added up goes back.</summary>
    public void Abandon()
    {
        _next = _span.End;
        while (Sums.TakeRest() is { } rest)
        {
            rest.Dispose();
        }
    }

    /// <summary>Hands out the next shard.</summary>
    public int TakeShard() => _next++;
}
