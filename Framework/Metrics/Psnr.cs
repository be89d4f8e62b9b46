namespace Distributed.Framework.Metrics;

/// <summary>Peak signal-to-noise ratio in its two definitions, from squared errors of images with peak 1.</summary>
public static class Psnr
{
    /// <summary><c>-10 log10(mse)</c> in decibels; infinite for 0, NaN for NaN.</summary>
    /// <remarks>For reports only: the logarithm is the C library's, and nothing is decided by it.</remarks>
    public static double FromMeanSquaredError(double meanSquaredError)
    {
#pragma warning disable RS0030 // A report: no weight depends on it.
        return -10 * Math.Log10(meanSquaredError);
#pragma warning restore RS0030
    }

    /// <summary>
    /// The mean squared error against clean images, estimated from pairs of noisy ones: half of MSE(f(x1), x2) +
    /// MSE(f(x2), x1) - MSE(x1, x2).
    /// </summary>
    /// <remarks>
    /// True in expectation for noise of mean zero that is independent within a pair. An estimate: at or below 0 it says
    /// that the error is below its resolution. E(f(x1) - x2)^2 is error plus the noise of x2; E(x1 - x2)^2 the noise of
    /// both.
    /// </remarks>
    public static double EstimateMeanSquaredError(double forward, double backward, double noise) =>
        0.5 * (forward + backward - noise);

    /// <summary>PSNR of an estimated error; null at or below 0, where the error is below resolution.</summary>
    public static double? FromEstimate(double meanSquaredError) =>
        meanSquaredError > 0 ? FromMeanSquaredError(meanSquaredError) : null;

    /// <summary>PSNR of the mean squared error over all elements of all images.</summary>
    /// <param name="squaredErrors">For each image, the sum of squared errors over its elements.</param>
    /// <param name="elements">Elements of each image.</param>
    public static double Global(ReadOnlySpan<double> squaredErrors, int elements) =>
        FromMeanSquaredError(MeanSquaredError(squaredErrors, elements));

    /// <summary>Mean of the PSNRs of the single images.</summary>
    /// <inheritdoc cref="Global"/>
    public static double MeanPerImage(ReadOnlySpan<double> squaredErrors, int elements)
    {
        double sum = 0;
        foreach (double squaredError in squaredErrors)
        {
            sum += FromMeanSquaredError(squaredError / elements);
        }

        return sum / squaredErrors.Length;
    }

    /// <summary>Mean squared error over all elements of all images; sums in index order.</summary>
    /// <inheritdoc cref="Global"/>
    public static double MeanSquaredError(ReadOnlySpan<double> squaredErrors, int elements)
    {
        double sum = 0;
        foreach (double squaredError in squaredErrors)
        {
            sum += squaredError;
        }

        return sum / squaredErrors.Length / elements;
    }
}
