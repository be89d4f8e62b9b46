namespace Distributed.Framework.Execution;

/// <summary>One step of a plan: reads an activation, writes another, and goes the same way back.</summary>
/// <remarks>
/// An operation is shared by all threads; what a thread remembers is in its workspace, and what is derived from the
/// parameters is in the replica. Backward overwrites the input's gradient, or adds to it where an operation that runs
/// earlier in the backward pass has written it already.
/// </remarks>
internal abstract class Operation(ActivationNode input, ActivationNode output)
{
    public ActivationNode Input { get; } = input;

    public ActivationNode Output { get; } = output;

    /// <summary>What Backward does with the gradient of the input.</summary>
    public GradientMode InputGradient { get; set; }

    /// <summary>Parts of the input whose gradient must be cleared before adding to it.</summary>
    public ActivationNode[] ClearedFirst { get; set; } = [];

    /// <summary>Floats this operation keeps in a replica.</summary>
    public virtual int PackedFloats => 0;

    /// <summary>Floats of scratch this operation adds its leaf gradient up in.</summary>
    public virtual int GradientFloats => 0;

    /// <summary>Floats of memory this operation needs while it runs; all operations of a thread share it.</summary>
    public virtual int ScratchFloats(bool training) => 0;

    /// <summary>Where its floats begin in the replica; set by the plan.</summary>
    public int PackedStart { get; set; }

    /// <summary>Where its gradient begins in the workspace; set by the plan.</summary>
    public int GradientStart { get; set; }

    /// <summary>Called once, when the layout of all activations is known.</summary>
    public abstract void Bind();

    /// <summary>Brings new parameters into the layout that the kernels read.</summary>
    public virtual void Pack(ReadOnlySpan<float> parameters, Replica replica)
    {
    }

    public abstract void Forward(Workspace workspace, Replica replica);

    public abstract void Backward(Workspace workspace, Replica replica);

    /// <summary>Writes the leaf's gradient, added up in the workspace, to its place in the flat gradient.</summary>
    public virtual void Unpack(Workspace workspace, Span<float> gradient)
    {
    }
}

/// <summary>What a backward step does with the gradient of its input.</summary>
internal enum GradientMode
{
    /// <summary>Nobody asks for it.</summary>
    Skip,

    /// <summary>It is the first to write it.</summary>
    Overwrite,

    /// <summary>Another reader of the same activation has written already.</summary>
    Accumulate,
}
