using Distributed.Framework.Kernels;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>Collects the operations of a plan while the layers describe themselves to it.</summary>
internal sealed class PlanBuilder(Model model)
{
    private readonly List<Operation> _operations = [];
    private readonly List<ActivationNode> _roots = [];
    private readonly Dictionary<string, ParameterSpec> _parameters =
        model.Parameters.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
    private readonly Dictionary<string, BufferSpec> _buffers =
        model.Buffers.ToDictionary(buffer => buffer.Name, StringComparer.Ordinal);

    private int _randomLayers;

    /// <summary>Most images that go through together.</summary>
    public int ImagesPerPass { get; init; } = 1;

    public IReadOnlyList<Operation> Operations => _operations;

    /// <summary>What the user chose for convolutions.</summary>
    public ConvolutionAlgorithm Convolutions => model.Convolutions;

    /// <summary>Where a layer's parameter begins in the flat buffer.</summary>
    public int ParameterStart(string name) => _parameters[name].Start;

    /// <summary>Where a layer's buffer begins in the flat buffer.</summary>
    public int BufferStart(string name) => _buffers[name].Start;

    /// <summary>A number for each layer that draws random numbers: how many came before it.</summary>
    public int NextRandomLayer() => _randomLayers++;

    /// <summary>A new activation that depends on <paramref name="source"/>; null: on nothing.</summary>
    public ActivationNode CreateNode(ImageShape shape, ActivationNode? source)
    {
        ActivationNode node = ActivationNode.Create(shape);
        Register(node, source);
        return node;
    }

    /// <summary>Room for what backward needs to know of each element of <paramref name="node"/>.</summary>
    public ActivationNode CreateMemory(ActivationNode node)
    {
        ActivationNode memory = ActivationNode.CreateForTraining(node);
        _roots.Add(memory);
        return memory;
    }

    /// <summary>A new activation laid out as another one, which it depends on.</summary>
    public ActivationNode CreateNodeLike(ActivationNode source) =>
        CreateNodeLike(source, source.Shape.H, source.Shape.W);

    /// <summary>The same at another size.</summary>
    public ActivationNode CreateNodeLike(ActivationNode source, int h, int w)
    {
        ActivationNode node = ActivationNode.CreateLike(source, h, w);
        Register(node, source);
        return node;
    }

    public void Add(Operation operation)
    {
        operation.Input.IsRead = true;
        operation.Output.Producer = operation;
        _operations.Add(operation);
    }

    /// <summary>
    /// Applies an elementwise function: within the operation before it if that can, and nothing else reads its result.
    /// </summary>
    public ActivationNode Activate(ActivationNode input, ActivationKind kind)
    {
        if (input is { IsRead: false, Producer: IActivated before } && before.Activation == ActivationKind.None)
        {
            before.Activation = kind;
            return input;
        }

        ActivationNode output = CreateNodeLike(input);
        Add(new ActivationOperation(input, output, kind));
        return output;
    }

    /// <summary>Adds two activations of equal shape.</summary>
    public ActivationNode Sum(ActivationNode first, ActivationNode second)
    {
        // Sums are computed float by float, so both must hold their channels alike.
        ActivationNode left = Regular(first);
        ActivationNode right = ReferenceEquals(first, second) ? left : Regular(second);
        left.IsRead = true;
        ActivationNode output = AddWithin(right, left, isThereBefore: ReferenceEquals(left, first));
        Add(new SumGradientOperation(left, output));
        return output;
    }

    /// <summary>Adds to what a convolution computes, where nothing else reads it; else by an operation.</summary>
    private ActivationNode AddWithin(ActivationNode sum, ActivationNode addend, bool isThereBefore)
    {
        if (isThereBefore && sum is { IsRead: false, HasParent: false, Producer: ConvolutionOperation convolution }
            && convolution.Activation == ActivationKind.None)
        {
            convolution.Addend = addend;
            return sum;
        }

        ActivationNode output = CreateNode(addend.Shape, addend);
        Add(new SumOperation(sum, addend, output));
        return output;
    }

    /// <summary>The same activation with its channels one after the other from the first float on.</summary>
    public ActivationNode Regular(ActivationNode node)
    {
        if (node.Channels is [{ Offset: 0 }])
        {
            return node;
        }

        ActivationNode output = CreateNode(node.Shape, node);
        Add(new ChannelCopyOperation(node, output));
        return output;
    }

    /// <summary>Joins two activations of equal height and width over their channels.</summary>
    public ActivationNode Concatenate(ActivationNode first, ActivationNode second)
    {
        // An activation lies in one place: what is joined already, or joined with itself, is copied.
        ActivationNode left = first.HasParent ? Copy(first) : first;
        ActivationNode right = second.HasParent || ReferenceEquals(first, second) ? Copy(second) : second;
        left.IsRead = true;
        right.IsRead = true;
        ActivationNode joined = ActivationNode.Concatenate(left, right);
        _roots.Add(joined);
        return joined;
    }

    /// <summary>Fixes all layouts. No node may be added afterwards.</summary>
    public ActivationNode[] Finish(ActivationNode output)
    {
        ActivationNode[] roots = [.. _roots.Where(node => !node.HasParent)];
        for (int i = 0; i < roots.Length; i++)
        {
            roots[i].Slot = i;
        }

        PlanGradients(output);
        foreach (Operation operation in _operations)
        {
            operation.ImagesPerPass = ImagesPerPass;
            operation.Bind();
        }

        return roots;
    }

    private ActivationNode Copy(ActivationNode node)
    {
        node.IsRead = true;
        return Activate(node, ActivationKind.None);
    }

    private void Register(ActivationNode node, ActivationNode? source)
    {
        node.NeedsGradient = source is not null;
        _roots.Add(node);
    }

    /// <summary>Walks the backward pass once, to see who is the first to write each gradient.</summary>
    private void PlanGradients(ActivationNode output)
    {
        HashSet<ActivationNode> written = [.. output.Leaves];
        for (int i = _operations.Count - 1; i >= 0; i--)
        {
            Operation operation = _operations[i];
            if (!operation.Input.NeedsGradient)
            {
                operation.InputGradient = GradientMode.Skip;
                continue;
            }

            ActivationNode[] fresh = [.. operation.Input.Leaves.Where(leaf => !written.Contains(leaf))];
            bool allFresh = fresh.Length == operation.Input.Leaves.Count();
            operation.InputGradient = allFresh ? GradientMode.Overwrite : GradientMode.Accumulate;
            operation.ClearedFirst = allFresh ? [] : fresh;
            written.UnionWith(fresh);
        }
    }
}
