using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Losses;
using Distributed.Framework.Metrics;

namespace Distributed.Framework.Training;

/// <summary>What one pair says about a model; sums over its elements, in float64.</summary>
/// <param name="Error">Squared, of the output against the target.</param>
/// <param name="InputError">Squared, of the input against the target; NaN if targets are no such images.</param>
/// <param name="BackwardError">Squared, of what the model makes of the target, against the input.</param>
/// <param name="Ssim">Of output and target.</param>
/// <param name="IsRight">Whether the likeliest class is the right one.</param>
/// <param name="Loss">Summed.</param>
internal readonly record struct Measurement(
    double Error, double InputError, double BackwardError, double Ssim, bool IsRight, double Loss);

/// <summary>One thread's means to measure a model on single pairs.</summary>
internal sealed class Measurer(Plan plan, PairSource source, Loss? loss, double progress)
{
    private readonly Predictor _predictor = new(plan);
    private readonly Ssim? _ssim = HasSsim(source) ? new Ssim(source.TargetShape) : null;
    private readonly float[] _gradient = new float[plan.Output.Elements];

    public static bool HasSsim(PairSource source) => source.ClassCount == 0 && Ssim.Fits(source.TargetShape);

    /// <summary>Whether targets could be inputs as well: noisy images of the same shape.</summary>
    public static bool HasNoisyTargets(PairSource source) =>
        source.ClassCount == 0 && !source.HasCleanTargets && source.TargetShape == source.Shape;

    public Measurement Measure(Replica replica, int index)
    {
        float[] input = _predictor.Input;
        float[] target = _predictor.Target;
        float[] output = _predictor.Output;
        source.Read(index, 0, input, target);
        _predictor.Run(replica);
        bool isImage = source.ClassCount == 0 && source.TargetShape == source.Shape;
        Measurement result = new(
            SquaredError(output, target),
            isImage ? SquaredError(input, target) : double.NaN,
            BackwardError: 0,
            _ssim?.Measure(output, target) ?? 0,
            source.ClassCount > 0 && Accuracy.IsRight(output, target),
            loss?.Evaluate(output, target, _gradient, progress) ?? 0);
        if (!HasNoisyTargets(source))
        {
            return result;
        }

        for (int i = 0; i < input.Length; i++)
        {
            (input[i], target[i]) = (target[i], input[i]);
        }

        _predictor.Run(replica);
        return result with { BackwardError = SquaredError(output, target) };
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
