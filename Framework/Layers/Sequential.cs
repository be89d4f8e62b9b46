using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>Layers one after the other.</summary>
public sealed record Sequential(params IReadOnlyList<Layer> Layers) : Layer
{
    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path)
    {
        for (int i = 0; i < Layers.Count; i++)
        {
            input = Layers[i].OutputShape(input, Join(path, i));
        }

        return input;
    }

    internal override void CollectParameters(ParameterCollector collector, string path)
    {
        for (int i = 0; i < Layers.Count; i++)
        {
            Layers[i].CollectParameters(collector, Join(path, i));
        }
    }

    internal override PixelSpan? Reads(PixelSpan output)
    {
        PixelSpan? span = output;
        for (int i = Layers.Count - 1; i >= 0 && span is { } needed; i--)
        {
            span = Layers[i].Reads(needed);
        }

        return span;
    }

    internal override double Distance(double distance, ref double largest)
    {
        foreach (Layer layer in Layers)
        {
            distance = layer.Distance(distance, ref largest);
            largest = Math.Max(largest, distance);
        }

        return distance;
    }

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        for (int i = 0; i < Layers.Count; i++)
        {
            input = Layers[i].Build(builder, input, Join(path, i));
        }

        return input;
    }
}
