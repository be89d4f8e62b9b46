using System.Globalization;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Errors;
using Distributed.Framework.Metrics;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Pictures;

/// <summary>Runs a model over pictures, tile by tile. Safe from many threads.</summary>
/// <remarks>
/// Values are scaled as the run's data were, and back. Whole numbers of 8 and 16 bits are rounded, clamped and counted;
/// floats are written as they are, and fill the 16 bits of PNG.
/// </remarks>
internal sealed class PictureDenoiser
{
    private readonly LoadedModel _model;
    private readonly TiledPredictor _predictor;
    private readonly (double Low, double High)? _range;

    /// <summary>Keeps the model.</summary>
    /// <param name="model">With its weights.</param>
    /// <param name="threads">Tiles of a picture at once.</param>
    /// <param name="range">Stored values that become 0 and 1; null for what the weights say.</param>
    public PictureDenoiser(LoadedModel model, int threads, (double Low, double High)? range = null)
    {
        _model = model;
        _range = range ?? model.Range;
        _predictor = new TiledPredictor(model.Model, model.Parameters, threads);
    }

    /// <summary>Reads, denoises and writes one picture or stack.</summary>
    /// <param name="input">The file.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="format">A name of <see cref="OutputFormat"/>.</param>
    /// <returns>A line about it.</returns>
    /// <exception cref="ReportedException">It cannot be read or written, or the model cannot take it.</exception>
    public string Denoise(string input, string output, string format)
    {
        StoredPictures noisy = StoredPictures.Read(input, _range?.Low, _range?.High);
        if (_predictor.Room(noisy.Pictures[0].Shape) is null && noisy.AsChannels() is { } joined
            && _predictor.Room(joined.Pictures[0].Shape) is not null)
        {
            noisy = joined; // [C, H, W] of a model of C channels, not N grey images.
        }

        StoredPicture first = noisy.Pictures[0];
        foreach (StoredPicture picture in noisy.Pictures.DistinctBy(picture => picture.Shape))
        {
            CheckShape(picture.Shape, input);
        }

        if (format == OutputFormat.Png)
        {
            CheckPng(noisy, input);
        }

        List<float[]> results = [];
        foreach (StoredPicture picture in noisy.Pictures)
        {
            results.Add(Run(picture.Shape, picture.Values, input));
            CheckNumbers(results[^1], input);
        }

        long clamped = 0;
        OutputFiles.Write(output, stream => clamped = format switch
        {
            OutputFormat.Tiff => noisy.WriteTiff(stream, results),
            OutputFormat.Npy => noisy.WriteNpy(stream, results),
            _ => WritePng(first, stream, results[0]),
        });
        bool isWhole = format == OutputFormat.Png || first.IsWhole;
        string bits = !isWhole ? ", floats" : first.Bits == 8 ? "" : ", 16 bits";
        string count = noisy.Pictures.Count == 1 ? "" : $"{noisy.Pictures.Count} images, ";
        string extent = string.Create(
            CultureInfo.InvariantCulture,
            $"read {noisy.Description.Type}, values from {noisy.Description.Lowest:G4} to "
            + $"{noisy.Description.Highest:G4}, noise of about "
            + $"{255 * NoiseEstimate.Sigma(first.Values, first.Shape):0} of 255");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{input} -> {output} ({count}{first.Shape.W} x {first.Shape.H}{bits}); {extent}"
            + $"{Clamped(clamped, results, first)}{DataLines.Scale(noisy.Description)}");
    }

    private static string Clamped(long clamped, List<float[]> results, StoredPicture first) => clamped == 0
        ? ""
        : string.Create(
            CultureInfo.InvariantCulture,
            $"; {clamped} of {results.Sum(result => result.LongLength)} results clamped to 0 to "
            + $"{(first.Bits == 8 ? byte.MaxValue : ushort.MaxValue)}");

    private static long WritePng(StoredPicture picture, Stream stream, float[] values)
    {
        ImageShape shape = picture.Shape;
        ushort[] planes = picture.Store(values, out long clamped);
        ushort[] pixels = new ushort[planes.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = planes[(i % shape.C * shape.H * shape.W) + (i / shape.C)];
        }

        if (picture.Bits == 8)
        {
            byte[] bytes = Array.ConvertAll(pixels, pixel => (byte)pixel);
            PngEncoder.Encode(new PngImage(shape.W, shape.H, shape.C, bytes), stream);
        }
        else
        {
            PngEncoder.Encode(shape.W, shape.H, shape.C, pixels, stream);
        }

        return clamped;
    }

    private static void CheckPng(StoredPictures noisy, string input)
    {
        if (noisy.Pictures.Count > 1)
        {
            throw new ConfigurationException(
                $"{input} holds {noisy.Pictures.Count} images; a PNG picture holds one.",
                "Name the output .tif or .npy, or say --format tiff or npy.");
        }

        if (noisy.Pictures[0].Shape.C is not (1 or 3) and var channels)
        {
            throw new ConfigurationException(
                $"{input} has {channels} channels; a PNG picture has 1 or 3.",
                "Name the output .tif or .npy, or say --format tiff or npy.");
        }
    }

    private static void CheckNumbers(float[] values, string place)
    {
        if (Array.Exists(values, float.IsNaN))
        {
            throw new DataException($"{place}: the model gives NaN.", "Use the weights of an earlier step.");
        }
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
