using Distributed.Framework.Data;
using Distributed.Framework.Metrics;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>How well a denoiser does on whole pictures, of any and unlike shapes.</summary>
/// <remarks>
/// Tile by tile, with the bits of the whole (<see cref="TiledPredictor"/>). PSNR of a picture is that of its own mean
/// squared error, as scikit-image's peak_signal_noise_ratio with data_range 1; the global one is over the elements of
/// all. Memory: one picture, its target and its output.
/// </remarks>
public static class WholePictures
{
    /// <summary>Whether there are pictures larger than the windows of a source, and the model takes them.</summary>
    public static bool Fit(Model model, PairSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!source.HasWholes || source.ClassCount > 0)
        {
            return false;
        }

        TiledPredictor predictor = new(model, ReadOnlyMemory<float>.Empty, threads: 1);
        return Enumerable.Range(0, source.Pictures)
            .Select(source.ShapeOf)
            .Distinct()
            .All(shape => predictor.Room(shape) is not null);
    }

    /// <summary>Measures every picture against its target; sums run in index order in float64.</summary>
    /// <param name="model">Gives back the shape of its input.</param>
    /// <param name="state">Its flat state.</param>
    /// <param name="source">Pairs that <see cref="Fit"/>.</param>
    /// <param name="threads">Tiles at once; at least 1; changes no bit.</param>
    /// <param name="stopping">Ends it early, after a picture.</param>
    public static Evaluation Evaluate(
        Model model,
        ReadOnlyMemory<float> state,
        PairSource source,
        int threads,
        CancellationToken stopping = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        TiledPredictor predictor = new(model, state, threads);
        bool isNoisy = !source.HasCleanTargets;
        bool hasSsim = Enumerable.Range(0, source.Pictures).All(i => Ssim.Fits(source.ShapeOf(i)));
        double elements = 0;
        double error = 0, inputError = 0, backwardError = 0, psnr = 0, ssim = 0;
        for (int i = 0; i < source.Pictures; i++)
        {
            stopping.ThrowIfCancellationRequested();
            ImageShape shape = source.ShapeOf(i);
            float[] input = new float[shape.Elements];
            float[] target = new float[shape.Elements];
            float[] output = new float[shape.Elements];
            source.ReadWhole(i, input, target);
            predictor.Run(shape, input, output);
            double one = SquaredError(output, target);
            error += one;
            inputError += SquaredError(input, target);
            psnr += Psnr.FromMeanSquaredError(one / shape.Elements);
            ssim += hasSsim ? new Ssim(shape).Measure(output, target) : 0;
            elements += shape.Elements;
            if (isNoisy)
            {
                predictor.Run(shape, target, output);
                backwardError += SquaredError(output, input);
            }
        }

        double mean = error / elements;
        return new Evaluation(
            mean,
            Psnr.FromMeanSquaredError(mean),
            psnr / source.Pictures,
            Psnr.FromMeanSquaredError(inputError / elements))
        {
            Pictures = source.Pictures,
            Ssim = hasSsim ? ssim / source.Pictures : null,
            EstimatedError = isNoisy
                ? Psnr.EstimateMeanSquaredError(mean, backwardError / elements, inputError / elements)
                : null,
            InputPsnrEstimated = isNoisy ? Psnr.FromEstimate(inputError / elements / 2) : null,
        };
    }

    private static double SquaredError(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        double sum = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double difference = (double)actual[i] - expected[i];
            sum += difference * difference;
        }

        return sum;
    }
}
