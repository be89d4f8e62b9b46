using System.Globalization;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Pictures;

/// <summary>Runs a model over pictures, tile by tile. Safe from many threads.</summary>
/// <remarks>
/// Values are scaled as the run's data were, and back; results are clamped and rounded to the bits of the input: 8, or
/// 16 for anything wider.
/// </remarks>
internal sealed class PictureDenoiser
{
    private readonly LoadedModel _model;
    private readonly TiledPredictor _predictor;

    /// <summary>Keeps the model.</summary>
    /// <param name="model">With its weights.</param>
    /// <param name="threads">Tiles of a picture at once.</param>
    public PictureDenoiser(LoadedModel model, int threads)
    {
        _model = model;
        _predictor = new TiledPredictor(model.Model, model.Parameters, threads);
    }

    /// <summary>Reads, denoises and writes one picture.</summary>
    /// <returns>A line about it.</returns>
    /// <exception cref="ReportedException">It cannot be read or written, or the model cannot take it.</exception>
    public string Denoise(string input, string output)
    {
        DataOptions? data = _model.Configuration?.Data;
        StoredPicture noisy = StoredPicture.Read(input, data?.RangeLow, data?.RangeHigh);
        ImageShape shape = noisy.Shape;
        CheckShape(shape, input);
        if (shape.C is not (1 or 3))
        {
            throw new ConfigurationException(
                $"{input} has {shape.C} channels; a PNG picture has 1 or 3.", "Denoise its channels one by one.");
        }

        ushort[] pixels = Store(Run(shape, noisy.Values, input), noisy, input);
        OutputFiles.Write(output, stream =>
        {
            if (noisy.Bits == 8)
            {
                byte[] bytes = Array.ConvertAll(pixels, pixel => (byte)pixel);
                PngEncoder.Encode(new PngImage(shape.W, shape.H, shape.C, bytes), stream);
            }
            else
            {
                PngEncoder.Encode(shape.W, shape.H, shape.C, pixels, stream);
            }
        });
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{input} -> {output} ({shape.W} x {shape.H}{(noisy.Bits == 8 ? "" : ", 16 bits")})");
    }

    /// <summary>Values as stored numbers, channels together.</summary>
    private static ushort[] Store(float[] values, StoredPicture picture, string place)
    {
        ushort[] pixels = new ushort[values.Length];
        int plane = picture.Shape.H * picture.Shape.W;
        int largest = picture.Bits == 8 ? byte.MaxValue : ushort.MaxValue;
        for (int i = 0; i < pixels.Length; i++)
        {
            float value = values[(i % picture.Shape.C * plane) + (i / picture.Shape.C)];
            double stored = (value * (picture.High - picture.Low)) + picture.Low;
            pixels[i] = double.IsNaN(stored)
                ? throw new DataException($"{place}: the model gives NaN.", "Use the weights of an earlier step.")
                : (ushort)Math.Round(Math.Clamp(stored, 0, largest), MidpointRounding.AwayFromZero);
        }

        return pixels;
    }

    private void CheckShape(ImageShape shape, string place)
    {
        if (_predictor.Room(shape) is not null)
        {
            return;
        }

        if (Find(shape) is { } output)
        {
            if (output != shape)
            {
                throw new ConfigurationException(
                    $"{place}: model {_model.Name} makes {output} of {shape}.",
                    "Use a model that gives back the size of its input.");
            }
        }
        else if (Find(shape with { C = shape.C == 1 ? 3 : 1 }) is not null)
        {
            throw new ConfigurationException(
                $"{place} is {(shape.C == 1 ? "grey (1 channel)" : "RGB (3 channels)")}; model {_model.Name} takes "
                + $"{(shape.C == 1 ? "RGB (3 channels)" : "grey (1 channel)")} pictures.",
                "Convert the picture, or use a model that was trained on such pictures.");
        }
        else
        {
            _model.Model.OutputShape(shape);
        }
    }

    /// <summary>What the model makes of a shape; null if it cannot take it.</summary>
    private ImageShape? Find(ImageShape shape)
    {
        try
        {
            return _model.Model.OutputShape(shape);
        }
        catch (ShapeException)
        {
            return null;
        }
    }

    private float[] Run(ImageShape shape, float[] input, string place)
    {
        try
        {
            float[] output = new float[input.Length];
            _predictor.Run(shape, input, output);
            return output;
        }
        catch (Exception exception)
            when (exception is OutOfMemoryException or OverflowException or ArgumentOutOfRangeException)
        {
            throw new ConfigurationException(
                $"{place} is too large to be denoised: {shape.W} x {shape.H} pixels.",
                "Cut it into smaller pictures, or use fewer --threads.",
                exception);
        }
    }
}
