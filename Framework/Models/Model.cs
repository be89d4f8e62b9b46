using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Models;

/// <summary>A network: its layers, and the tensors they need.</summary>
/// <remarks>
/// The state is one flat vector: all parameters in module order, then all buffers (running statistics) in module order,
/// each in PyTorch's layout. A gradient is as long: behind the parameters' gradients it has what a step puts into the
/// running averages.
/// </remarks>
public sealed class Model
{
    /// <summary>Activations of one pass, in floats, that should stay in the second-level cache.</summary>
    private const int PassFloatsMax = 1 << 16;

    /// <summary>Makes a model of layers.</summary>
    /// <param name="root">The layers.</param>
    /// <param name="convolutions">How convolutions are computed; part of the result's bits.</param>
    public Model(Sequential root, ConvolutionAlgorithm convolutions = ConvolutionAlgorithm.Auto)
    {
        Root = root;
        Convolutions = convolutions;
        ParameterCollector collector = new();
        root.CollectParameters(collector, "");
        Parameters = collector.Parameters;
        ParameterCount = collector.Count;
        Buffers = collector.Buffers;
        StateCount = collector.StateCount;
        TakesNoiseLevel = collector.TakesNoiseLevel;
    }

    /// <summary>The layers.</summary>
    public Sequential Root { get; }

    /// <summary>How convolutions are computed.</summary>
    public ConvolutionAlgorithm Convolutions { get; }

    /// <summary>The learned tensors, in the order of the flat buffer, of checkpoints and of the hash.</summary>
    public IReadOnlyList<ParameterSpec> Parameters { get; }

    /// <summary>Floats that are learned.</summary>
    public int ParameterCount { get; }

    /// <summary>The running statistics, in the order of the flat state, of checkpoints and of the hash.</summary>
    public IReadOnlyList<BufferSpec> Buffers { get; }

    /// <summary>Floats of the flat state: parameters and buffers.</summary>
    public int StateCount { get; }

    /// <summary>Whether a shard must go through in one pass, because layers compute statistics over it.</summary>
    public bool NeedsWholeShard => Buffers.Count > 0;

    /// <summary>Whether a layer wants to know how noisy an image is (<see cref="NoiseLevelMap"/>).</summary>
    public bool TakesNoiseLevel { get; }

    /// <summary>Writes the initial values of the buffers to their places in a flat state.</summary>
    public void InitializeBuffers(Span<float> state)
    {
        foreach (BufferSpec buffer in Buffers)
        {
            state.Slice(buffer.Start, buffer.Count).Fill(buffer.InitialValue);
        }
    }

    /// <summary>Shape of the output for an input.</summary>
    /// <exception cref="ShapeException">A layer cannot take its input; names its path and both shapes.</exception>
    public ImageShape OutputShape(ImageShape input)
    {
        if (input.C < 1 || input.H < 1 || input.W < 1)
        {
            throw new ShapeException(
                $"Images of {input} have no pixels.", "Give channels, height and width of at least 1.");
        }

        return Root.OutputShape(input, "");
    }

    /// <summary>Makes a plan for images of one shape.</summary>
    /// <param name="input">Shape of each image.</param>
    /// <param name="inputGradient">Whether the gradient with respect to the input is wanted as well.</param>
    /// <param name="imagesPerPass">
    /// Most images to go through together: changes memory and speed, and results only of models that need whole shards.
    /// </param>
    /// <exception cref="ShapeException">A layer cannot take its input; names its path and both shapes.</exception>
    public Plan Compile(ImageShape input, bool inputGradient = false, int imagesPerPass = 1) =>
        Compile(input, inputGradient, imagesPerPass, KernelSet.Current);

    /// <summary>
    /// Makes a plan for shards: all images in one pass if it must be; else as many as are small, or as have fewer
    /// activations than there are weights that they share the way to.
    /// </summary>
    /// <param name="input">Shape of each image.</param>
    /// <param name="shard">Samples of a shard.</param>
    /// <exception cref="ShapeException">A layer cannot take its input; names its path and both shapes.</exception>
    public Plan CompileForShard(ImageShape input, int shard)
    {
        if (NeedsWholeShard)
        {
            return CompileFor(shard);
        }

        Plan single = Compile(input);
        long floatsMax = Math.Max(PassFloatsMax, single.SharedPackedFloats);
        return CompileFor((int)Math.Clamp(floatsMax / single.Roots.Sum(root => root.ImageFloats), 1, shard));

        Plan CompileFor(int images) => Compile(
            input, inputGradient: false, images, KernelSet.Current, wholeShards: images >= shard);
    }

    internal Plan Compile(
        ImageShape input,
        bool inputGradient,
        int imagesPerPass,
        KernelSet kernels,
        long treeReductionMax = Plan.TreeReductionMax,
        bool wholeShards = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(imagesPerPass, 1);
        OutputShape(input);
        try
        {
            return new Plan(this, input, inputGradient, imagesPerPass, kernels, treeReductionMax, wholeShards);
        }
        catch (OverflowException)
        {
            throw new ShapeException(
                $"Images of {input}, {imagesPerPass} a pass, are too large for this model: "
                + "a buffer would exceed 2^31 floats.",
                "Use smaller images or fewer channels; hidden channels count in groups of 16.");
        }
    }
}

/// <summary>Gives learned tensors their places, one after the other, and buffers theirs behind them.</summary>
internal sealed class ParameterCollector
{
    private readonly List<ParameterSpec> _parameters = [];
    private readonly List<BufferSpec> _buffers = [];
    private int _firstWithoutFollower;

    public IReadOnlyList<ParameterSpec> Parameters => _parameters;

    /// <summary>To be asked for when all parameters are there.</summary>
    public IReadOnlyList<BufferSpec> Buffers =>
        [.. _buffers.Select(buffer => buffer with { Start = Count + buffer.Start })];

    public int Count { get; private set; }

    public int StateCount { get; private set; }

    /// <summary>Whether a layer has asked for the noise level of images.</summary>
    public bool TakesNoiseLevel { get; set; }

    /// <summary>Notes that an activation follows the last layer with parameters.</summary>
    public void Follow(Activation activation)
    {
        for (int i = _parameters.Count - 1; i >= _firstWithoutFollower; i--)
        {
            _parameters[i] = _parameters[i] with { Follower = activation };
        }

        _firstWithoutFollower = _parameters.Count;
    }

    /// <summary>Adds one; its fan-in is at most the count of the layer's weight.</summary>
    /// <exception cref="ConfigurationException">The model would be larger than a buffer.</exception>
    public void Add(string path, string name, long fanIn, params int[] shape)
    {
        if (name == "bias")
        {
            Append(path, name, ParameterKind.Bias, fanIn, _parameters is [.., var weight] ? weight.FanOut : 1, shape);
            return;
        }

        // What no activation has followed when the next weight comes, none follows.
        _firstWithoutFollower = _parameters.Count;
        long fanOut = shape.Skip(2).Aggregate((long)shape[0], (product, side) => product * side);
        Append(path, name, ParameterKind.Weight, fanIn, fanOut, shape);
    }

    /// <summary>Adds one that starts at 1 (scale) or 0 (shift), of a normalization.</summary>
    /// <exception cref="ConfigurationException">The model would be larger than a buffer.</exception>
    public void AddNormalization(string path, string name, ParameterKind kind, int channels) =>
        Append(path, name, kind, fanIn: 1, fanOut: 1, [channels]);

    /// <summary>Adds a running statistic.</summary>
    /// <exception cref="ConfigurationException">The model would be larger than a buffer.</exception>
    public void AddBuffer(string path, string name, int length, float value, double momentum)
    {
        int start = StateCount - Count;
        Grow($"{path}.{name}", [length]);
        _buffers.Add(new BufferSpec($"{path}.{name}", [length], start, value, (float)momentum));
    }

    private void Append(string path, string name, ParameterKind kind, long fanIn, long fanOut, int[] shape)
    {
        int count = Grow($"{path}.{name}", shape);
        _parameters.Add(new ParameterSpec($"{path}.{name}", shape, Count, (int)fanIn)
        {
            Kind = kind,
            FanOut = (int)fanOut,
        });
        Count += count;
    }

    private int Grow(string name, int[] shape)
    {
        Int128 count = shape.Aggregate(Int128.One, (product, side) => product * side);
        if (StateCount + count > AlignedBuffer.LengthMax)
        {
            throw new ConfigurationException(
                $"{name}: with shape [{string.Join(", ", shape)}] the model would have {StateCount + count} "
                + $"parameters; allowed are {AlignedBuffer.LengthMax}.",
                "Use fewer channels or smaller kernels.");
        }

        StateCount += (int)count;
        return (int)count;
    }
}
