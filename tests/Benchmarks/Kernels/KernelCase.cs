using Distributed.Framework.Kernels;

namespace Distributed.Benchmarks.Kernels;

/// <summary>What a rate counts.</summary>
internal enum Work
{
    /// <summary>Additions and multiplications that the definition asks for; a fused multiply-add is two.</summary>
    Flops,

    /// <summary>Bytes of what is read and of what is written, each once.</summary>
    Bytes,
}

/// <summary>One kernel at one size: a row of the table for each vector width.</summary>
/// <remarks>A size is a whole image, layer or set of parameters, so that calls take microseconds at least.</remarks>
public sealed class KernelCase : IComparable
{
    private static int s_count;
    private readonly int _number = s_count++;
    private readonly Func<KernelSet, Action> _prepare;

    /// <param name="name">As in the table.</param>
    /// <param name="work">What one call does.</param>
    /// <param name="amount">How much of it.</param>
    /// <param name="prepare">Makes the operands; the action is what is measured, and must not allocate.</param>
    internal KernelCase(string name, Work work, double amount, Func<KernelSet, Action> prepare)
    {
        Name = name;
        Work = work;
        Amount = amount;
        _prepare = prepare;
    }

    internal string Name { get; }

    internal Work Work { get; }

    internal double Amount { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Rows come in the order in which the cases were made.</summary>
    int IComparable.CompareTo(object? other) => _number.CompareTo((other as KernelCase)?._number);

    /// <summary>Makes the operands, and sees that a call does not allocate.</summary>
    /// <remarks>The memory diagnoser counts the whole process, where a stray buffer makes a few bytes a call.</remarks>
    /// <exception cref="InvalidOperationException">It does.</exception>
    internal Action Prepare(KernelSet kernels)
    {
        Action run = _prepare(kernels);
        run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        run();
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        return bytes == 0 ? run : throw new InvalidOperationException($"{Name}: a call allocates {bytes} bytes.");
    }
}
