using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>One differentiable step of a model: sizes and names, no state.</summary>
/// <remarks>
/// The contract every layer keeps, and every layer test checks: parameters are read-only during a step and the same
/// for all threads; backward overwrites the leaf's gradient, samples in index order, and the input's gradient; leaves
/// meet only in the leaf tree.
/// </remarks>
public abstract record Layer
{
    /// <summary>Output shape for an input shape.</summary>
    /// <param name="input">Shape of each sample.</param>
    /// <param name="path">Dotted index path of this layer, for messages.</param>
    /// <exception cref="ShapeException">The input does not fit; names the path and both shapes.</exception>
    public abstract ImageShape OutputShape(ImageShape input, string path);

    /// <summary>Names the layer's learned tensors, in order.</summary>
    internal virtual void CollectParameters(ParameterCollector collector, string path)
    {
    }

    /// <summary>Adds the layer's operations to a plan; shapes are checked already.</summary>
    internal abstract ActivationNode Build(PlanBuilder builder, ActivationNode input, string path);

    private protected static string Join(string path, int index) => path.Length == 0 ? $"{index}" : $"{path}.{index}";
}
