using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>
/// One version of the parameters in the layout that the kernels read; shared by all threads of a step.
/// </summary>
public sealed unsafe class Replica
{
    /// <summary>Fewest floats of a part: less is not worth another thread's waking up.</summary>
    private const int PartFloatsMin = 1 << 16;

    private readonly Plan _plan;
    private readonly AlignedBuffer _packed;

    /// <summary>For each part, the operation behind its last one.</summary>
    private readonly int[] _partEnds;

    internal Replica(Plan plan, int floats)
    {
        _plan = plan;
        _packed = new AlignedBuffer(floats);
        _partEnds = [.. CutInParts(plan.Operations)];
    }

    /// <summary>How many parts <see cref="LoadPart"/> knows; at least 1.</summary>
    public int PartCount => _partEnds.Length;

    /// <summary>Takes new parameters. No thread may be computing with this replica meanwhile.</summary>
    /// <param name="parameters">Parameters, then buffers, in module order and PyTorch's layout.</param>
    /// <exception cref="ArgumentException">There are fewer than the model has.</exception>
    public void Load(ReadOnlySpan<float> parameters)
    {
        for (int part = 0; part < PartCount; part++)
        {
            LoadPart(part, parameters);
        }
    }

    /// <summary>
    /// Takes a part of new parameters; several threads may take different ones at once. After all parts it is as after
    /// <see cref="Load"/>.
    /// </summary>
    /// <param name="part">0 to <see cref="PartCount"/> - 1.</param>
    /// <param name="parameters">All of them, as for <see cref="Load"/>.</param>
    /// <exception cref="ArgumentException">There are fewer than the model has.</exception>
    public void LoadPart(int part, ReadOnlySpan<float> parameters)
    {
        if (parameters.Length < _plan.Model.StateCount)
        {
            throw new ArgumentException(
                $"{parameters.Length} floats given, {_plan.Model.StateCount} needed.", nameof(parameters));
        }

        for (int i = part == 0 ? 0 : _partEnds[part - 1]; i < _partEnds[part]; i++)
        {
            _plan.Operations[i].Pack(parameters, this);
        }
    }

    internal KernelSet Kernels => _plan.Kernels;

    /// <summary>
    /// Throws unless it was made by this plan, whose operations trust its buffer's size, or by one of the model at
    /// another size.
    /// </summary>
    internal void CheckPlan(Plan plan)
    {
        if (!plan.PacksAs(_plan))
        {
            throw new ArgumentException("The replica belongs to another plan.");
        }
    }

    internal Span<float> Packed(Operation operation) =>
        _packed.Span.Slice(operation.PackedStart, operation.PackedFloats);

    internal float* PackedPointer(Operation operation) => _packed.Pointer + operation.PackedStart;

    private static IEnumerable<int> CutInParts(Operation[] operations)
    {
        int floats = 0;
        for (int i = 0; i < operations.Length - 1; i++)
        {
            floats += operations[i].PackedFloats;
            if (floats >= PartFloatsMin)
            {
                floats = 0;
                yield return i + 1;
            }
        }

        yield return operations.Length;
    }
}
