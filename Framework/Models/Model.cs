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
    public Model(Sequential root)
    {
        Root = root;
        ParameterCollector collector = new();
        root.CollectParameters(collector, "");
        Parameters = collector.Parameters;
        ParameterCount = collector.Count;
    }

    /// <summary>The layers.</summary>
    public Sequential Root { get; }

    /// <summary>The learned tensors, in the order of the flat buffer, of checkpoints and of the hash.</summary>
    public IReadOnlyList<ParameterSpec> Parameters { get; }

    /// <summary>Floats of the flat buffer.</summary>
    public int ParameterCount { get; }

    /// <summary>Shape of the output for an input.</summary>
    /// <exception cref="ShapeException">A layer cannot take its input; names its path and both shapes.</exception>
    public ImageShape OutputShape(ImageShape input) => Root.OutputShape(input, "");

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
        return new Plan(this, input, inputGradient, imagesPerPass, kernels);
    }
}

/// <summary>Gives learned tensors their places, one after the other.</summary>
internal sealed class ParameterCollector
{
    private readonly List<ParameterSpec> _parameters = [];

    public IReadOnlyList<ParameterSpec> Parameters => _parameters;

    public int Count { get; private set; }

    public void Add(string path, string name, int fanIn, params int[] shape)
    {
        ParameterSpec parameter = new($"{path}.{name}", shape, Count, fanIn);
        _parameters.Add(parameter);
        Count = checked(Count + parameter.Count);
    }
}
