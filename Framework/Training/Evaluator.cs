using Distributed.Framework.Data;
using Distributed.Framework.Execution;
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
public sealed record Evaluation(double MeanSquaredError, double Psnr, double PsnrMeanPerImage, double InputPsnr);

/// <summary>Runs a model over a set of pairs, on several threads, with a result that does not depend on them.</summary>
public static class Evaluator
{
    /// <summary>Measures against the targets; sums run in index order in float64.</summary>
    /// <param name="plan">The model at the size of the images.</param>
    /// <param name="replica">Its parameters.</param>
    /// <param name="source">The pairs.</param>
    /// <param name="threads">How many threads; at least 1.</param>
    /// <param name="stopping">Ends it early.</param>
    public static Evaluation Evaluate(
        Plan plan, Replica replica, PairSource source, int threads, CancellationToken stopping = default)
    {
        double[] outputErrors = new double[source.Count];
        double[] inputErrors = new double[source.Count];
        ParallelOptions options = new() { MaxDegreeOfParallelism = threads, CancellationToken = stopping };
        Parallel.For(0, source.Count, options, () => new Predictor(plan), Measure, _ => { });
        int elements = plan.Output.Elements;
        return new Evaluation(
            Psnr.MeanSquaredError(outputErrors, elements),
            Psnr.Global(outputErrors, elements),
            Psnr.MeanPerImage(outputErrors, elements),
            Psnr.Global(inputErrors, elements));

        Predictor Measure(int index, ParallelLoopState state, Predictor predictor)
        {
            source.Read(index, 0, predictor.Input, predictor.Target);
            predictor.Run(replica);
            outputErrors[index] = SquaredError(predictor.Output, predictor.Target);
            inputErrors[index] = source.ClassCount == 0
                ? SquaredError(predictor.Input, predictor.Target)
                : double.NaN;
            return predictor;
        }
    }

    private static double SquaredError(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        double sum = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = (double)actual[i] - expected[i];
            sum += difference * difference;
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

    /// <summary>[C, H, W]; to be filled.</summary>
    public float[] Input { get; }

    /// <summary>Shape of the output; room for what it should be.</summary>
    public float[] Target { get; }

    /// <summary>What the model makes of the input.</summary>
    public float[] Output { get; }

    /// <summary>Computes Output from Input.</summary>
    public void Run(Replica replica)
    {
        _workspace.SetInput(0, Input);
        _plan.Forward(replica, _workspace);
        _workspace.GetOutput(0, Output);
    }
}
