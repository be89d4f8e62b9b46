using System.Globalization;
using Distributed.Framework.Data;
using Distributed.Framework.Metrics;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Pictures;

/// <summary>
/// What a network is worth, beside doing nothing and beside a filter that needs no training: means of the pictures'
/// PSNR.
/// </summary>
/// <param name="Pictures">How many were compared.</param>
/// <param name="Input">In dB, of the noisy pictures.</param>
/// <param name="NonLocalMeans">In dB, of <see cref="Pictures.NonLocalMeans"/> at the level estimated from each.</param>
/// <param name="Model">In dB, of the network.</param>
public sealed record Comparison(int Pictures, double Input, double NonLocalMeans, double Model)
{
    /// <summary>Pictures of fewer pixels a side say little.</summary>
    private const int SideMin = 64;

    /// <summary>Compares on (noisy, clean) pictures, spread over the source as the previews are.</summary>
    /// <param name="model">The network.</param>
    /// <param name="state">Its weights and buffers.</param>
    /// <param name="source">Pairs with clean targets.</param>
    /// <param name="most">Pictures at most; each costs about a second a megapixel and thread.</param>
    /// <param name="threads">At least 1.</param>
    /// <returns>Null where it does not apply: no clean pictures, no pictures at all, or small ones.</returns>
    public static Comparison? Of(
        Model model, ReadOnlyMemory<float> state, PairSource source, int most, int threads)
    {
        bool hasWholes = WholePictures.Fit(model, source);
        int there = hasWholes ? source.Pictures : source.Count;
        if (!source.HasCleanTargets || source.ClassCount > 0 || source.TargetShape != source.Shape
            || Enumerable.Range(0, hasWholes ? there : 1).Any(i => Side(ShapeOf(i)) < SideMin))
        {
            return null;
        }

        int count = Math.Min(most, there);
        Comparison[] all = new Comparison[count];
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, row =>
        {
            int index = PreviewWriter.IndexOf(row, count, there);
            ImageShape shape = ShapeOf(index);
            float[] noisy = new float[shape.Elements];
            float[] clean = new float[shape.Elements];
            float[] denoised = new float[shape.Elements];
            if (hasWholes)
            {
                source.ReadWhole(index, noisy, clean);
            }
            else
            {
                source.Read(index, 0, noisy, clean);
            }

            new TiledPredictor(model, state, threads: 1).Run(shape, noisy, denoised);
            double sigma = Math.Max(NoiseEstimate.Sigma(noisy, shape), 1e-6);
            all[row] = new Comparison(
                1,
                PsnrOf(noisy, clean),
                PsnrOf(Coordinator.Pictures.NonLocalMeans.Denoise(noisy, shape, sigma), clean),
                PsnrOf(denoised, clean));
        });
        return new Comparison(
            count,
            all.Average(one => one.Input),
            all.Average(one => one.NonLocalMeans),
            all.Average(one => one.Model));

        ImageShape ShapeOf(int index) => hasWholes ? source.ShapeOf(index) : source.Shape;
    }

    /// <summary>A line.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"Baseline {NonLocalMeans:0.00} dB by non-local means; the model {Model:0.00}, the input {Input:0.00}: mean "
        + $"per image of {Pictures}");

    private static int Side(ImageShape shape) => Math.Min(shape.H, shape.W);

    private static double PsnrOf(float[] picture, float[] clean)
    {
        double sum = 0;
        for (int i = 0; i < clean.Length; i++)
        {
            double difference = (double)picture[i] - clean[i];
            sum += difference * difference;
        }

        return Psnr.FromMeanSquaredError(sum / clean.Length);
    }
}
