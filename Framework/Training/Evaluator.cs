using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Losses;
using Distributed.Framework.Metrics;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>How well a model does on held-out pairs.</summary>
/// <param name="MeanSquaredError">Against the targets, over all elements.</param>
/// <param name="Psnr">Of the mean squared error, in decibels.</param>
/// <param name="PsnrMeanPerImage">Mean of the single images' PSNR, in decibels.</param>
/// <param name="InputPsnr">
/// The same as <paramref name="Psnr"/> for the inputs themselves: what doing nothing gives; NaN if targets are classes.
/// </param>
public sealed record Evaluation(double MeanSquaredError, double Psnr, double PsnrMeanPerImage, double InputPsnr)
{
    /// <summary>Mean structural similarity of the images; null if they are none, or smaller than its window.</summary>
    public double? Ssim { get; init; }

    /// <summary>Share of right answers, 0 to 1; null if targets are no classes.</summary>
    public double? Accuracy { get; init; }

    /// <summary>
    /// Estimate of the mean squared error against clean images, from targets as noisy as the inputs; null if targets
    /// are clean or no images. May be at or below 0: the error is below its resolution.
    /// </summary>
    public double? EstimatedError { get; init; }

    /// <summary>PSNR of <see cref="EstimatedError"/> in decibels; null without one, and below its resolution.</summary>
    public double? PsnrEstimated => EstimatedError is { } error ? Metrics.Psnr.FromEstimate(error) : null;

    /// <summary>
    /// PSNR of the inputs, estimated from their differences to targets as noisy as they; null as
    /// <see cref="EstimatedError"/>.
    /// </summary>
    public double? InputPsnrEstimated { get; init; }

    /// <summary>
    /// Whether the two images of a pair are neighbouring pixels, so that what these differ by counts as noise.
    /// </summary>
    public bool AreNeighbors { get; init; }

    /// <summary>Whole pictures that were measured; null for windows of them.</summary>
    public int? Pictures { get; init; }

    /// <summary>Whether targets are clean images, so that PSNR and SSIM mean what they say.</summary>
    public bool IsClean => Accuracy is null && EstimatedError is null;

    /// <summary>The loss as a mean; null if no loss was named.</summary>
    public double? Loss { get; init; }

    /// <summary>What the best checkpoint has most of: right answers, or else the least (estimated) error.</summary>
    public double Score => Accuracy ?? -(EstimatedError ?? MeanSquaredError);
}

/// <summary>Runs a model over a set of pairs, on several threads, with a result that does not depend on them.</summary>
public static class Evaluator
{
    /// <summary>Measures against the targets; sums run in index order in float64.</summary>
    /// <param name="plan">The model at the size of the images.</param>
    /// <param name="replica">Its parameters.</param>
    /// <param name="source">The pairs.</param>
    /// <param name="threads">How many threads; at least 1.</param>
    /// <param name="loss">Measured as well; null for none.</param>
    /// <param name="progress">Share of the run that is done, for a loss that depends on it.</param>
    /// <param name="stopping">Ends it early.</param>
    public static Evaluation Evaluate(
        Plan plan,
        Replica replica,
        PairSource source,
        int threads,
        Loss? loss = null,
        double progress = 0,
        CancellationToken stopping = default)
    {
        Measurement[] all = new Measurement[source.Count];
        ParallelOptions options = new() { MaxDegreeOfParallelism = threads, CancellationToken = stopping };
        Parallel.For(0, source.Count, options, () => new Measurer(plan, source, loss, progress), Measure, _ => { });
        double[] errors = [.. all.Select(one => one.Error)];
        double[] inputErrors = [.. all.Select(one => one.InputError)];
        int elements = plan.Output.Elements;
        double forward = Psnr.MeanSquaredError(errors, elements);
        return new Evaluation(
            forward,
            Psnr.FromMeanSquaredError(forward),
            Psnr.MeanPerImage(errors, elements),
            Psnr.Global(inputErrors, elements))
        {
            Ssim = Measurer.HasSsim(source) ? Sum(all, one => one.Ssim) / source.Count : null,
            Accuracy = source.ClassCount > 0 ? Sum(all, one => one.IsRight ? 1 : 0) / source.Count : null,
            EstimatedError = Measurer.HasNoisyTargets(source)
                ? Psnr.EstimateMeanSquaredError(
                    forward,
                    Psnr.MeanSquaredError([.. all.Select(one => one.BackwardError)], elements),
                    Psnr.MeanSquaredError(inputErrors, elements))
                : null,
            InputPsnrEstimated = Measurer.HasNoisyTargets(source)
                ? Psnr.FromEstimate(Psnr.MeanSquaredError(inputErrors, elements) / 2)
                : null,
            AreNeighbors = source.WindowShape is not null,
            Loss = loss is null ? null : Sum(all, one => one.Loss) / ((double)source.Count * loss.Divisor(elements)),
        };

        Measurer Measure(int index, ParallelLoopState state, Measurer measurer)
        {
            all[index] = measurer.Measure(replica, index);
            return measurer;
        }
    }

    /// <summary>In index order, which a library's sum does not promise.</summary>
    private static double Sum(Measurement[] all, Func<Measurement, double> select)
    {
        double sum = 0;
        foreach (Measurement one in all)
        {
            sum += select(one);
        }

        return sum;
    }
}

/// <summary>One thread's means to run a model forward on single images.</summary>
public sealed class Predictor
{
    private readonly Plan _plan;
    private readonly Workspace _workspace;

    /// <summary>Makes a workspace for the plan.</summary>
    public Predictor(Plan plan)
    {
        _plan = plan;
        _workspace = plan.CreateWorkspace(training: false, imagesMax: 1);
        Input = new float[plan.Input.Elements];
        Target = new float[plan.Output.Elements];
        Output = new float[plan.Output.Elements];
    }

    /// <summary>Standard deviation of the input's noise, for models that take it; null to estimate it.</summary>
    public float? Sigma { get; set; }

    /// <summary>[C, H, W]; to be filled.</summary>
    public float[] Input { get; }

    /// <summary>Shape of the output; room for what it should be.</summary>
    public float[] Target { get; }

    /// <summary>What the model makes of the input.</summary>
    public float[] Output { get; }

    /// <summary>Computes Output from Input.</summary>
    public void Run(Replica replica)
    {
        _workspace.SetInput(0, Input, Sigma);
        _plan.Forward(replica, _workspace);
        _workspace.GetOutput(0, Output);
    }
}
