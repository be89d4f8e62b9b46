using System.Globalization;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Metrics;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Pictures;

/// <summary>Runs a model over pictures, tile by tile. Safe from many threads.</summary>
/// <remarks>
/// Values are scaled as the run's data were, and back. Whole numbers of 8 and 16 bits are rounded, clamped and counted;
/// floats are written as they are, and fill the 16 bits of PNG. Memory does not grow with the picture: tiles are read
/// from the file and written to the result.
/// </remarks>
internal sealed class PictureDenoiser
{
    private readonly LoadedModel _model;
    private readonly TiledPredictor _predictor;
    private readonly (double Low, double High)? _range;
    private readonly float? _sigma;

    /// <summary>Keeps the model.</summary>
    /// <param name="model">With its weights.</param>
    /// <param name="threads">Tiles of a picture at once.</param>
    /// <param name="range">Stored values that become 0 and 1; null for what the weights say.</param>
    /// <param name="sigma">
    /// Standard deviation of the noise in 1/255, for models that take it; null to estimate each picture's.
    /// </param>
    /// <exception cref="ConfigurationException">The model takes no noise level.</exception>
    public PictureDenoiser(
        LoadedModel model, int threads, (double Low, double High)? range = null, double? sigma = null)
    {
        if (sigma is not null && !model.Model.TakesNoiseLevel)
        {
            throw new ConfigurationException(
                $"--sigma does not apply to model {model.Name}: it takes no noise level, but finds its own.",
                "Leave --sigma out, or train a model with a NoiseLevelMap, as n2n-residual.");
        }

        _model = model;
        _sigma = (float?)(sigma / 255);
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
        using PictureScratch scratch = new($"{output}.input{AtomicFile.TemporarySuffix}");
        StoredPictures noisy = StoredPictures.Read(input, _range?.Low, _range?.High, scratch);
        if (noisy.AsChannelsLast() is { } last)
        {
            noisy = last;
        }
        else if (_predictor.Room(noisy.Pictures[0].Shape) is null && noisy.AsChannels() is { } joined
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

        List<double> levels =
        [
            .. noisy.Pictures.Take(_model.Model.TakesNoiseLevel ? noisy.Pictures.Count : 1)
                .Select(picture => NoiseEstimate.Sigma(picture.Reader, picture.Shape)),
        ];
        PictureOutput written = null!;
        OutputFiles.Write(output, stream => written = format switch
        {
            OutputFormat.Tiff => RunAll(noisy, levels, noisy.CreateTiff(stream), input),
            OutputFormat.Npy => RunAll(noisy, levels, noisy.CreateNpy(stream), input),
            _ => RunPng(noisy, levels, stream, output, input),
        });
        bool isWhole = format == OutputFormat.Png || first.IsWhole;
        string bits = !isWhole ? ", floats" : first.Bits == 8 ? "" : ", 16 bits";
        string count = noisy.Pictures.Count == 1 ? "" : $"{noisy.Pictures.Count} images, ";
        string extent = string.Create(
            CultureInfo.InvariantCulture,
            $"read {noisy.Description.Type}, values from {noisy.Description.Lowest:G4} to "
            + $"{noisy.Description.Highest:G4}, {Noise(levels)}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{input} -> {output} ({count}{first.Shape.W} x {first.Shape.H}{bits}); {extent}"
            + $"{Clamped(written.Clamped, noisy)}{DataLines.Scale(noisy.Description)}");
    }

    /// <summary>How noisy the pictures seem to be, and what of it the model was told.</summary>
    private string Noise(List<double> levels)
    {
        string low = string.Create(CultureInfo.InvariantCulture, $"{255 * levels.Min():0}");
        string high = string.Create(CultureInfo.InvariantCulture, $"{255 * levels.Max():0}");
        string told = !_model.Model.TakesNoiseLevel ? ""
            : _sigma is not { } given ? ", which the model was told"
            : string.Create(CultureInfo.InvariantCulture, $"; the model was told {255 * given:0.##}, as --sigma says");
        return $"noise of about {low}{(low == high ? "" : $" to {high}")} of 255{told}";
    }

    private static string Clamped(long clamped, StoredPictures noisy) => clamped == 0
        ? ""
        : string.Create(
            CultureInfo.InvariantCulture,
            $"; {clamped} of {noisy.Pictures.Sum(picture => (long)picture.Shape.Elements)} results clamped to 0 to "
            + $"{(noisy.Pictures[0].Bits == 8 ? byte.MaxValue : ushort.MaxValue)}");

    /// <summary>The level that the model is told; null if it takes none.</summary>
    private float? Told(List<double> levels, int index) =>
        _model.Model.TakesNoiseLevel ? _sigma ?? (float)levels[index] : null;

    private PictureOutput RunAll(StoredPictures noisy, List<double> levels, PictureOutput output, string place)
    {
        for (int i = 0; i < noisy.Pictures.Count; i++)
        {
            Run(noisy, i, Told(levels, i), output, place);
        }

        return output;
    }

    /// <summary>PNG is written from the top, tiles come in any order: they wait on disk, beside the result.</summary>
    private PictureOutput RunPng(
        StoredPictures noisy, List<double> levels, Stream stream, string output, string place)
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose,
        };
        using FileStream pixels = new($"{output}.pixels{AtomicFile.TemporarySuffix}", options);
        PictureOutput written = noisy.CreatePng(pixels);
        Run(noisy, 0, Told(levels, 0), written, place);
        noisy.WritePng(pixels, stream);
        return written;
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

    private void Run(StoredPictures noisy, int index, float? sigma, PictureOutput output, string place)
    {
        StoredPicture picture = noisy.Pictures[index];
        try
        {
            _predictor.Run(picture.Shape, picture.Reader, Write, sigma);
        }
        catch (Exception exception)
            when (exception is OutOfMemoryException or OverflowException or ArgumentOutOfRangeException)
        {
            throw new ConfigurationException(
                $"{place} is too large to be denoised: {picture.Shape.W} x {picture.Shape.H} pixels.",
                "Cut it into smaller pictures, or use fewer --threads.",
                exception);
        }

        void Write(int top, int left, ImageShape part, ReadOnlySpan<float> values)
        {
            foreach (float value in values)
            {
                if (float.IsNaN(value))
                {
                    throw new DataException($"{place}: the model gives NaN.", "Use the weights of an earlier step.");
                }
            }

            output.Write(index, top, left, part, values);
        }
    }
}
