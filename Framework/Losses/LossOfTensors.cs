using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Losses;

/// <summary>Losses over batches, for training loops of one's own: forward and backward at once.</summary>
public static class LossOfTensors
{
    /// <summary>The loss of a batch, and its gradient with respect to the prediction.</summary>
    /// <param name="loss">Which one.</param>
    /// <param name="prediction">What the network gives: [N, ...].</param>
    /// <param name="target">What it should give: of the same shape; for cross-entropy of [N, K] or
    /// [N, K, H, W] also the classes, [N] or [N, H, W].</param>
    /// <param name="isMean">Whether to divide by the number of elements (of samples, for cross-entropy).</param>
    /// <param name="progress">Share of the training that is done, 0 to 1; only the annealed loss asks.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    /// <exception cref="ConfigurationException">A target is no class, or the progress no share.</exception>
    public static (double Loss, Tensor Gradient) Evaluate(
        this Loss loss, Tensor prediction, Tensor target, bool isMean = true, double progress = 0)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (progress is not (>= 0 and <= 1))
        {
            throw new ConfigurationException(
                string.Create(CultureInfo.InvariantCulture, $"{loss.Name}: progress is {progress}; allowed is 0 to 1."),
                "Give the share of the training that is done.");
        }

        int samples = prediction.Shape.Count > 0 ? prediction.Shape[0] : 0;
        bool hasClasses = loss is CrossEntropy && ClassIndices.Fit(prediction.Shape, target.Shape);
        if (prediction.Shape.Count < 2 || (!hasClasses && !prediction.Shape.SequenceEqual(target.Shape)))
        {
            throw new ShapeException(
                $"{loss.Name}: the prediction is {prediction}, the target {target}.",
                "Give batches of one shape; for cross-entropy the target may be classes, [N] or [N, H, W].");
        }

        if (loss is CrossEntropy { Classes: var classes } && prediction.Shape[1] != classes)
        {
            throw new ShapeException(
                $"cross-entropy of {classes} classes: the prediction is {prediction}.",
                $"Give predictions [N, {classes}] or [N, {classes}, H, W].");
        }

        Tensor gradient = new([.. prediction.Shape]);
        double sum = 0;
        for (int i = 0; i < samples; i++)
        {
            Span<float> of = gradient.Sample(i).Span;
            sum += hasClasses
                ? ((CrossEntropy)loss).EvaluateClasses(
                    prediction.Sample(i).Span, ReadClasses(target, i, prediction.Shape[1]), of)
                : loss.Evaluate(prediction.Sample(i).Span, target.Sample(i).Span, of, progress);
        }

        double divisor = isMean ? (double)samples * loss.Divisor(prediction.Span.Length / samples) : 1;
        foreach (ref float value in gradient.Span)
        {
            value = (float)(value / divisor);
        }

        return (sum / divisor, gradient);
    }

    private static int[] ReadClasses(Tensor target, int sample, int classes)
    {
        int pixels = target.Span.Length / target.Shape[0];
        int[] indices = new int[pixels];
        for (int i = 0; i < pixels; i++)
        {
            indices[i] = ClassIndices.Read(target.Span[(sample * pixels) + i], classes);
        }

        return indices;
    }
}
