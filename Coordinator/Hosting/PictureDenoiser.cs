using System.Globalization;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Hosting;

/// <summary>Runs a model over pictures of 8 bits, tile by tile. Safe from many threads.</summary>
/// <remarks>Values are scaled as the run's data were, and back; results are clamped and rounded to 8 bits.</remarks>
internal sealed class PictureDenoiser
{
    private readonly LoadedModel _model;
    private readonly TiledPredictor _predictor;
    private readonly double _low;
    private readonly double _high;

    /// <summary>Keeps the model.</summary>
    /// <param name="model">With its weights.</param>
    /// <param name="threads">Tiles of a picture at once.</param>
    public PictureDenoiser(LoadedModel model, int threads)
    {
        _model = model;
        _predictor = new TiledPredictor(model.Model, model.Parameters, threads);
        _low = model.Configuration?.Data.RangeLow ?? 0;
        _high = model.Configuration?.Data.RangeHigh ?? byte.MaxValue;
    }

    /// <summary>Reads, denoises and writes one picture.</summary>
    /// <returns>A line about it.</returns>
    /// <exception cref="ReportedException">It cannot be read or written, or the model cannot take it.</exception>
    public string Denoise(string input, string output)
    {
        PngImage noisy = PngDecoder.Decode(input);
        PngImage denoised = Denoise(noisy, input);
        OutputFiles.Write(output, stream => PngEncoder.Encode(denoised, stream));
        return string.Create(CultureInfo.InvariantCulture, $"{input} -> {output} ({noisy.Width} x {noisy.Height})");
    }

    /// <summary>Denoises one picture.</summary>
    /// <param name="picture">Of as many channels as the model's images.</param>
    /// <param name="place">What messages call it.</param>
    public PngImage Denoise(PngImage picture, string place)
    {
        ImageShape shape = new(picture.Channels, picture.Height, picture.Width);
        CheckShape(shape, place);
        float[] input = new float[shape.Elements];
        int pixels = picture.Width * picture.Height;
        for (int i = 0; i < picture.Pixels.Length; i++)
        {
            input[(i % shape.C * pixels) + (i / shape.C)] =
                (float)((picture.Pixels[i] - _low) / (_high - _low));
        }

        float[] output = Run(shape, input, place);
        byte[] result = new byte[picture.Pixels.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = ToByte(output[(i % shape.C * pixels) + (i / shape.C)], place);
        }

        return new PngImage(picture.Width, picture.Height, picture.Channels, result);
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

    private byte ToByte(float value, string place)
    {
        double stored = (value * (_high - _low)) + _low;
        return double.IsNaN(stored)
            ? throw new DataException($"{place}: the model gives NaN.", "Use the weights of an earlier step.")
            : (byte)Math.Round(Math.Clamp(stored, 0, byte.MaxValue), MidpointRounding.AwayFromZero);
    }
}
