using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>A network as it was at one time, to be used by many threads at once; training goes on beside it.</summary>
/// <remarks>
/// It takes images of any size, as <c>denoise</c> does: sides that the model's strides do not divide are continued by
/// reflection, and large images go in tiles, with the bits of the whole. A call computes on its own thread alone.
/// </remarks>
public sealed class NetworkSnapshot
{
    /// <summary>Pixels from which on an image goes in tiles.</summary>
    private const int WholeMax = 1 << 18;

    private readonly Model _model;
    private readonly float[] _state;

    internal NetworkSnapshot(Model model, float[] state)
    {
        _model = model;
        _state = state;
    }

    /// <summary>What the network makes of images.</summary>
    /// <param name="input">[C, H, W] or [N, C, H, W], of any height and width.</param>
    /// <param name="sigma">
    /// Standard deviation of their noise, for networks that take it; null to estimate it from each image.
    /// </param>
    /// <returns>In the shape of the input.</returns>
    /// <exception cref="ShapeException">The network gives back another shape, or takes other channels.</exception>
    public Tensor Predict(Tensor input, float? sigma = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Shape is not [.., var c, var h, var w] || input.Shape.Count > 4)
        {
            throw new ShapeException($"{input} is no image.", "Give [C, H, W] or [N, C, H, W].");
        }

        ImageShape shape = new(c, h, w);
        TiledPredictor predictor = new(_model, _state, threads: 1);
        Tensor result = new([.. input.Shape]);
        float[] image = new float[shape.Elements];
        float[] output = new float[shape.Elements];
        for (int start = 0; start < input.Span.Length; start += shape.Elements)
        {
            input.Span.Slice(start, shape.Elements).CopyTo(image);
            predictor.Run(shape, image, output, sigma);
            output.CopyTo(result.Span[start..]);
        }

        return result;
    }

    /// <summary>Whether tiles or reflection are what an image needs, and help.</summary>
    internal static bool Takes(Model model, ImageShape shape)
    {
        ImageShape? room = new TiledPredictor(model, ReadOnlyMemory<float>.Empty, threads: 1).Room(shape);
        return room is not null && (room != shape || shape.H * (long)shape.W > WholeMax);
    }
}
