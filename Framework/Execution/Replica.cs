using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>
/// One version of the parameters in the layout that the kernels read; shared by all threads of a step.
/// </summary>
public sealed unsafe class Replica
{
    private readonly Plan _plan;
    private readonly AlignedBuffer _packed;

    internal Replica(Plan plan, int floats)
    {
        _plan = plan;
        _packed = new AlignedBuffer(floats);
    }

    /// <summary>Takes new parameters. No thread may be computing with this replica meanwhile.</summary>
    /// <param name="parameters">Parameters, then buffers, in module order and PyTorch's layout.</param>
    /// <exception cref="ArgumentException">There are fewer than the model has.</exception>
    public void Load(ReadOnlySpan<float> parameters)
    {
        if (parameters.Length < _plan.Model.StateCount)
        {
            throw new ArgumentException(
                $"{parameters.Length} floats given, {_plan.Model.StateCount} needed.", nameof(parameters));
        }

        foreach (Operation operation in _plan.Operations)
        {
            operation.Pack(parameters, this);
        }
    }

    internal KernelSet Kernels => _plan.Kernels;

    /// <summary>Throws unless it was made by this plan, whose operations trust its buffer's size.</summary>
    internal void CheckPlan(Plan plan)
    {
        if (!ReferenceEquals(plan, _plan))
        {
            throw new ArgumentException("The replica belongs to another plan.");
        }
    }

    internal Span<float> Packed(Operation operation) =>
        _packed.Span.Slice(operation.PackedStart, operation.PackedFloats);

    internal float* PackedPointer(Operation operation) => _packed.Pointer + operation.PackedStart;
}
