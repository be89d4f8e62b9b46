using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>One activation of a plan, and where it lies: padded NHWC, alone or as a part of a concatenation.</summary>
/// <remarks>
/// Memory of a root, for each image: (H + 2 border) lines of (W + 2 border) pixels of PixelFloats floats. The border is
/// zero: nobody writes anything else there, and what takes over shared memory has it cleared first. The channels up to
/// the next multiple of 16 are padding: kernels write there what comes (a sigmoid's 0.5, NaN), but nothing reads it
/// into a channel. A part of a concatenation lies inside its root, so that concatenating copies nothing.
/// </remarks>
internal sealed class ActivationNode
{
    /// <summary>Channels are stored in groups of this many, at every vector width.</summary>
    public const int ChannelGroup = 16;

    private readonly List<ActivationNode> _parts = [];
    private ActivationNode? _parent;
    private int _offsetInParent;
    private int _border;

    private ActivationNode(ImageShape shape, Run[] channels, int floats)
    {
        Shape = shape;
        Channels = channels;
        Floats = floats;
    }

    public ImageShape Shape { get; }

    /// <summary>Where the channels are among the node's floats of a pixel.</summary>
    public Run[] Channels { get; }

    /// <summary>Floats of the node in each pixel: channels and padding.</summary>
    public int Floats { get; }

    /// <summary>What computes it; null for the plan's input and for concatenations.</summary>
    public Operation? Producer { get; set; }

    /// <summary>Whether anything reads it yet.</summary>
    public bool IsRead { get; set; }

    /// <summary>Whether a gradient with respect to it is wanted.</summary>
    public bool NeedsGradient { get; set; }

    /// <summary>Whether only training needs it: other workspaces give it no memory.</summary>
    public bool IsForTraining { get; init; }

    public bool HasParent => _parent != null;

    public ActivationNode Root => _parent?.Root ?? this;

    /// <summary>The nodes that make it up: itself, or the leaves of a concatenation.</summary>
    public IEnumerable<ActivationNode> Leaves => _parts.Count == 0 ? [this] : _parts.SelectMany(part => part.Leaves);

    /// <summary>Index among the workspace's buffers; set on roots when the plan is complete.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>
    /// Where a root begins in the memory that activations share in inference, in floats for each image of a pass; null
    /// if it has memory of its own. Set when the plan is complete.
    /// </summary>
    public long? ActivationStart { get; set; }

    /// <summary>The same of its gradients in training.</summary>
    public long? GradientStart { get; set; }

    /// <summary>Pixels of zeros around the image.</summary>
    public int Border => Root._border;

    /// <summary>Floats from pixel to pixel.</summary>
    public int PixelFloats => Root.Floats;

    /// <summary>Floats from line to line.</summary>
    public int LineFloats => checked((Shape.W + (2 * Root._border)) * PixelFloats);

    /// <summary>Floats from image to image.</summary>
    public long ImageFloats => (long)LineFloats * checked(Shape.H + (2 * Root._border));

    /// <summary>Floats from an image's start to the node's first channel of pixel (0, 0).</summary>
    public int Start => checked((Root._border * (LineFloats + PixelFloats)) + OffsetInRoot);

    private int OffsetInRoot => _parent == null ? 0 : _offsetInParent + _parent.OffsetInRoot;

    public static ActivationNode Create(ImageShape shape) =>
        new(shape, [new Run(0, shape.C)], (shape.C + ChannelGroup - 1) / ChannelGroup * ChannelGroup);

    /// <summary>A node that backward needs from forward: no activation, and without a gradient.</summary>
    public static ActivationNode CreateForTraining(ActivationNode node) =>
        new(node.Shape, node.Channels, node.Floats) { IsForTraining = true };

    /// <summary>A node of its own with the same channels at the same places.</summary>
    public static ActivationNode CreateLike(ActivationNode node) => CreateLike(node, node.Shape.H, node.Shape.W);

    /// <summary>A node of another size with the same channels at the same places.</summary>
    public static ActivationNode CreateLike(ActivationNode node, int h, int w) =>
        new(node.Shape with { H = h, W = w }, node.Channels, node.Floats);

    /// <summary>Joins nodes of equal height and width over their channels; they must not be joined already.</summary>
    public static ActivationNode Concatenate(ActivationNode first, ActivationNode second)
    {
        Run[] channels =
        [
            .. first.Channels,
            .. second.Channels.Select(run => new Run(run.Offset + first.Floats, run.Count)),
        ];
        ActivationNode joined = new(
            first.Shape with { C = first.Shape.C + second.Shape.C }, channels, first.Floats + second.Floats)
        {
            NeedsGradient = first.NeedsGradient || second.NeedsGradient,
        };
        joined.Adopt(first, 0);
        joined.Adopt(second, first.Floats);
        return joined;
    }

    /// <summary>Asks for at least this many zero pixels around the image.</summary>
    public void RequireBorder(int border) => Root._border = Math.Max(Root._border, border);

    /// <summary>Floats up to the last channel, as kernels take them: the padding behind needs no computing.</summary>
    public int VectorFloats => WholeVectors(Channels[^1].Offset + Channels[^1].Count);

    /// <summary>Channels, rounded up to whole vectors of the narrowest kind.</summary>
    public static int WholeVectors(int channels) => (channels + Vector4.Lanes - 1) / Vector4.Lanes * Vector4.Lanes;

    /// <summary>For every float of the node in a pixel: which channel it holds, or -1 for padding.</summary>
    public int[] ChannelOfFloat()
    {
        int[] channelOf = new int[Floats];
        Array.Fill(channelOf, -1);
        int channel = 0;
        foreach (Run run in Channels)
        {
            for (int i = 0; i < run.Count; i++)
            {
                channelOf[run.Offset + i] = channel++;
            }
        }

        return channelOf;
    }

    /// <summary>How many channels are in the group of 16 floats that begins there; they come first in it.</summary>
    public int ChannelsOfGroup(int first)
    {
        int channels = 0;
        foreach (Run run in Channels)
        {
            channels = run.Offset <= first ? Math.Clamp(run.Offset + run.Count - first, 0, ChannelGroup) : channels;
        }

        return channels;
    }

    private void Adopt(ActivationNode part, int offset)
    {
        RequireBorder(part.Root._border);
        part._parent = this;
        part._offsetInParent = offset;
        _parts.Add(part);
    }
}
