using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Worker.Compute;

/// <summary>A range of leaves to compute, and how far it is. Used again for later ranges.</summary>
internal sealed class LeafRangeWork
{
    private LeafSpan _span;
    private int _next;

    /// <summary>Adds up what is computed.</summary>
    public LeafSums<PooledBuffer> Sums { get; } = new(GradientSum.Combine);

    /// <summary>Whether every leaf has been handed out.</summary>
    public bool IsHandedOut => _next >= _span.End;

    /// <summary>Starts a range.</summary>
    public void Begin(int leafCount, LeafSpan span)
    {
        _span = span;
        _next = span.First;
        Sums.Reset(leafCount, span);
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

    /// <summary>Hands out the next leaf.</summary>
    public int TakeLeaf() => _next++;
}
