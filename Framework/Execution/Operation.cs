using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>One step of a plan: reads an activation, writes another, and goes the same way back.</summary>
/// <remarks>
/// An operation is shared by all threads; what a thread remembers is in its workspace, and what is derived from the
/// parameters is in the replica. Backward overwrites the input's gradient, or adds to it where an operation that runs
/// earlier in the backward pass has written it already.
/// </remarks>
internal abstract unsafe class Operation(ActivationNode input, ActivationNode output)
{
    public ActivationNode Input { get; } = input;

    public ActivationNode Output { get; } = output;

    /// <summary>What Backward does with the gradient of the input.</summary>
    public GradientMode InputGradient { get; set; }

    /// <summary>Parts of the input whose gradient must be cleared before adding to it.</summary>
    public ActivationNode[] ClearedFirst { get; set; } = [];

    /// <summary>Roots that take over memory here when nothing is trained: their border must be cleared.</summary>
    public ActivationNode[] BordersFirst { get; set; } = [];

    /// <summary>Roots whose gradient takes over memory here: its border must be cleared.</summary>
    public ActivationNode[] GradientBordersFirst { get; set; } = [];

    /// <summary>What Forward reads.</summary>
    public virtual IEnumerable<ActivationNode> Reads => [Input];

    /// <summary>Floats this operation keeps in a replica.</summary>
    public virtual int PackedFloats => 0;

    /// <summary>Floats of scratch this operation adds its shard gradient up in.</summary>
    public virtual int GradientFloats => 0;

    /// <summary>Floats of scratch this operation keeps in a workspace between forward and backward.</summary>
    public virtual int ScratchFloats => 0;

    /// <summary>Floats of memory this operation needs while it runs; all operations of a thread share it.</summary>
    public virtual int TemporaryFloats(bool training) => 0;

    /// <summary>Where its floats begin in the replica; set by the plan.</summary>
    public int PackedStart { get; set; }

    /// <summary>Where its gradient begins in the workspace; set by the plan.</summary>
    public int GradientStart { get; set; }

    /// <summary>Where its scratch begins in the workspace; set by the plan.</summary>
    public int ScratchStart { get; set; }

    /// <summary>Most images that go through together; set before Bind.</summary>
    public int ImagesPerPass { get; set; } = 1;

    /// <summary>Called once, when the layout of all activations is known.</summary>
    public abstract void Bind();

    /// <summary>Brings new parameters into the layout that the kernels read.</summary>
    public virtual void Pack(ReadOnlySpan<float> parameters, Replica replica)
    {
    }

    public abstract void Forward(Workspace workspace, Replica replica);

    public abstract void Backward(Workspace workspace, Replica replica);

    /// <summary>Brings what of the shard's gradient is in the workspace to its place in the flat gradient.</summary>
    public virtual void Unpack(Workspace workspace, Span<float> gradient)
    {
    }

    /// <summary>A vector with one element a channel, in the order of a node's floats; 0 in padding.</summary>
    private protected static void PackVector(
        ReadOnlySpan<float> parameters, int start, float otherwise, int[] channelOf, Span<float> packed)
    {
        for (int i = 0; i < channelOf.Length; i++)
        {
            packed[i] = channelOf[i] < 0 ? 0 : start < 0 ? otherwise : parameters[start + channelOf[i]];
        }
    }

    /// <summary>The way back; nothing if the layer has no such parameter.</summary>
    private protected static void UnpackVector(
        ReadOnlySpan<float> packed, int[] channelOf, int start, Span<float> gradient)
    {
        for (int i = 0; start >= 0 && i < channelOf.Length; i++)
        {
            if (channelOf[i] >= 0)
            {
                gradient[start + channelOf[i]] = packed[i];
            }
        }
    }

    /// <summary>Gives the output's gradient to the input as it is; both hold their channels alike.</summary>
    private protected void CopyGradient(Workspace workspace)
    {
        for (int image = 0; InputGradient != GradientMode.Skip && image < workspace.Images; image++)
        {
            for (int y = 0; y < Input.Shape.H; y++)
            {
                float* gradient = workspace.Gradient(Output, image) + ((nint)y * Output.LineFloats);
                workspace.Kernels.ActivateBackward(ActivationKind.None, new BackwardLine
                {
                    Output = gradient,
                    OutputGradient = gradient,
                    Pixel = Output.PixelFloats,
                    InputGradient = workspace.Gradient(Input, image) + ((nint)y * Input.LineFloats),
                    InputPixel = Input.PixelFloats,
                    Pixels = Input.Shape.W,
                    Channels = Input.Floats,
                    Accumulate = InputGradient == GradientMode.Accumulate,
                });
            }
        }
    }

    /// <summary>Carries the output's gradient through the function that was applied to the result, in place.</summary>
    private protected void BackwardOfActivation(Workspace workspace, int image, ActivationKind activation)
    {
        for (int y = 0; activation != ActivationKind.None && y < Output.Shape.H; y++)
        {
            nint line = (nint)y * Output.LineFloats;
            float* gradient = workspace.Gradient(Output, image) + line;
            workspace.Kernels.ActivateBackward(activation, new BackwardLine
            {
                Output = workspace.Activation(Output, image) + line,
                OutputGradient = gradient,
                Pixel = Output.PixelFloats,
                InputGradient = gradient,
                InputPixel = Output.PixelFloats,
                Pixels = Output.Shape.W,
                Channels = Output.Floats,
                Accumulate = false,
            });
        }
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
