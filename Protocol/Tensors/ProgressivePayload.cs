using System.Buffers;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Tensors;

/// <summary>A payload in the making that several channels send at once: a reference each, and its maker's.</summary>
/// <param name="floats">The memory; disposed of with the last reference.</param>
public sealed class ProgressivePayload(IMemoryOwner<float> floats) : IMemoryOwner<float>, IProgressiveMemory
{
    private int _references = 1;
    private int _available;
    private Exception? _fault;

    /// <inheritdoc/>
    public event Action? Advanced;

    /// <inheritdoc/>
    public Memory<float> Memory => floats.Memory;

    /// <inheritdoc/>
    public int Available => Volatile.Read(ref _fault) is { } fault
        ? throw new InvalidOperationException("The rest of a payload was not made.", fault)
        : Volatile.Read(ref _available);

    /// <summary>So many floats, from the first on, are final. One thread at a time.</summary>
    public void Advance(int available)
    {
        Invariant.Assert(available >= _available && available <= Memory.Length, "What is final stays final.");
        Volatile.Write(ref _available, available);
        Advanced?.Invoke();
    }

    /// <summary>The rest will never be final: channels that still send it fail.</summary>
    public void Fail(Exception fault)
    {
        Volatile.Write(ref _fault, fault);
        Advanced?.Invoke();
    }

    /// <summary>One more holder, who disposes of it too.</summary>
    public ProgressivePayload AddReference()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    /// <summary>One holder less.</summary>
    public void Dispose()
    {
        int left = Interlocked.Decrement(ref _references);
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left == 0)
        {
            floats.Dispose();
        }
    }
}
