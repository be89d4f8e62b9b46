using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Models;

/// <summary>A network: its layers, and the learned tensors they need, in module order in one flat buffer.</summary>
public sealed class Model
{
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
    }

    /// <summary>The layers.</summary>
    public Sequential Root { get; }

    /// <summary>How convolutions are computed.</summary>
    public ConvolutionAlgorithm Convolutions { get; }

    /// <summary>The learned tensors, in the order of the flat buffer, of checkpoints and of the hash.</summary>
    public IReadOnlyList<ParameterSpec> Parameters { get; }

    /// <summary>Floats of the flat buffer.</summary>
    public int ParameterCount { get; }

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
    /// <param name="imagesPerPass">Most images to go through together; changes memory, never results.</param>
    /// <exception cref="ShapeException">A layer cannot take its input; names its path and both shapes.</exception>
    public Plan Compile(ImageShape input, bool inputGradient = false, int imagesPerPass = 1) =>
        Compile(input, inputGradient, imagesPerPass, KernelSet.Current);

    internal Plan Compile(ImageShape input, bool inputGradient, int imagesPerPass, KernelSet kernels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(imagesPerPass, 1);
        OutputShape(input);
        try
        {
            return new Plan(this, input, inputGradient, imagesPerPass, kernels);
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

/// <summary>Gives learned tensors their places, one after the other.</summary>
internal sealed class ParameterCollector
{
    private readonly List<ParameterSpec> _parameters = [];

    public IReadOnlyList<ParameterSpec> Parameters => _parameters;

    public int Count { get; private set; }

    /// <summary>Adds one; its fan-in is at most the count of the layer's weight.</summary>
    /// <exception cref="ConfigurationException">The model would be larger than a buffer.</exception>
    public void Add(string path, string name, long fanIn, params int[] shape)
    {
        Int128 end = Count + shape.Aggregate(Int128.One, (product, side) => product * side);
        if (end > AlignedBuffer.LengthMax)
        {
            throw new ConfigurationException(
                $"{path}.{name}: with shape [{string.Join(", ", shape)}] the model would have {end} parameters; "
                + $"allowed are {AlignedBuffer.LengthMax}.",
                "Use fewer channels or smaller kernels.");
        }

        _parameters.Add(new ParameterSpec($"{path}.{name}", shape, Count, (int)fanIn));
        Count = (int)end;
    }
}
