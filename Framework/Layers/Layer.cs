using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>One differentiable step of a model: sizes and names, no state.</summary>
/// <remarks>
/// The contract every layer keeps, and every layer test checks: parameters are read-only during a step and the same
/// for all threads; backward overwrites the shard's gradient, samples in index order, and the input's gradient; shards
/// meet only in the shard tree.
/// </remarks>
public abstract record Layer
{
    /// <summary>Most pixels of kernel, stride and padding: beyond all use, yet nothing overflows.</summary>
    private protected const int ExtentMax = 256;

    /// <summary>Most channels or features.</summary>
    private protected const int ChannelsMax = 1 << 20;

    /// <summary>Output shape for an input shape.</summary>
    /// <param name="input">Shape of each sample.</param>
    /// <param name="path">Dotted index path of this layer, for messages.</param>
    /// <exception cref="ShapeException">The input does not fit; names the path and both shapes.</exception>
    public abstract ImageShape OutputShape(ImageShape input, string path);

    /// <summary>Names the layer's learned tensors, in order.</summary>
    internal virtual void CollectParameters(ParameterCollector collector, string path)
    {
    }

    /// <summary>
    /// The input lines (or columns) that decide every bit of some output lines; null if it takes the whole image.
    /// </summary>
    internal virtual PixelSpan? Reads(PixelSpan output) => output;

    /// <summary>
    /// Follows the distance, in pixels of the model's input, between neighbouring pixels on the way through the layer.
    /// </summary>
    /// <param name="distance">At the layer's input.</param>
    /// <param name="largest">The largest so far; updated.</param>
    /// <returns>At the layer's output.</returns>
    internal virtual double Distance(double distance, ref double largest) => distance;

    /// <summary>Adds the layer's operations to a plan; shapes are checked already.</summary>
    internal abstract ActivationNode Build(PlanBuilder builder, ActivationNode input, string path);

    /// <summary>Name in messages and JSON.</summary>
    internal string Name => GetType().Name;

    /// <summary>Refuses an argument that is out of range.</summary>
    private protected void Check(string argument, int value, int min, int max)
    {
        if (value < min || value > max)
        {
            throw new ConfigurationException(
                $"{Name}: {argument} is {value}; allowed are {min} to {max}.", $"Give {argument} within that range.");
        }
    }

    /// <summary>Refuses an argument that is out of range, or NaN.</summary>
    private protected void Check(string argument, double value, bool isAllowed, string allowed) =>
        AllowedRange.Require(Name, argument, value, isAllowed, allowed);

    /// <summary>Refuses an output that no buffer could hold.</summary>
    private protected ImageShape CheckSize(ImageShape input, string path, int c, long h, long w)
    {
        return (Int128)c * h * w <= AlignedBuffer.LengthMax
            ? new ImageShape(c, (int)h, (int)w)
            : throw new ShapeException(
                $"{path} ({Name}): input {input} gives output [N, {c}, {h}, {w}], which is too large.",
                "Use smaller images, fewer channels or a smaller stride.");
    }

    private protected static string Join(string path, int index) => path.Length == 0 ? $"{index}" : $"{path}.{index}";
}
