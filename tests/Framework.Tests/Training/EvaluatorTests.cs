using Distributed.Framework.Data;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Metrics;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>Which measure applies to which pairs; the estimate without clean images finds the true error.</summary>
public sealed class EvaluatorTests
{
    private const int Side = 12;

    /// <summary>
    /// Goal: the estimate is right although it never sees a clean image. Method: a model that scales by 0.9 on images
    /// with independent noise of deviation 0.1: its error is known from the clean images. The estimate's own deviation
    /// over 200 images of 144 pixels is about 2 sigma^2 / sqrt(28,800) = 1e-4 of an error of 0.0114.
    /// </summary>
    [Fact]
    public void Evaluate_NoisyPairs_EstimatesTheErrorAgainstCleanOnes()
    {
        Evaluation estimated = Evaluate(new MadeUpPairs(isClean: false), scale: 0.9f);
        Evaluation clean = Evaluate(new MadeUpPairs(isClean: true), scale: 0.9f);
        Assert.True(clean.IsClean);
        Assert.Null(clean.EstimatedError);
        Assert.False(estimated.IsClean);
        Assert.InRange(estimated.EstimatedError!.Value, clean.MeanSquaredError - 4e-4, clean.MeanSquaredError + 4e-4);
        Assert.Equal(Psnr.FromMeanSquaredError(estimated.EstimatedError.Value), estimated.PsnrEstimated);
        Assert.Equal(-estimated.EstimatedError.Value, estimated.Score);
        Assert.NotNull(clean.Ssim);
    }

    /// <summary>Doing nothing leaves all the noise: the error is that of one noisy image.</summary>
    [Fact]
    public void Evaluate_BelowResolution_HasNoDecibels()
    {
        Assert.Null(Psnr.FromEstimate(0));
        Assert.Null(Psnr.FromEstimate(-1e-9));
        Assert.Equal(20, Psnr.FromEstimate(0.01)!.Value, 1e-12);
        Assert.Equal(0.01, Psnr.EstimateMeanSquaredError(0.02, 0.03, 0.03), 1e-15);
    }

    [Fact]
    public void Evaluate_Loss_IsTheMeanOverItsTerms()
    {
        Evaluation evaluation = Evaluate(new MadeUpPairs(isClean: true), 0.9f, new MeanSquaredError());
        Assert.Equal(evaluation.MeanSquaredError, evaluation.Loss!.Value, 1e-7);
        Assert.Null(Evaluate(new MadeUpPairs(isClean: true), 0.9f).Loss);
    }

    [Theory]
    [InlineData(new[] { 0.1f, 0.7f, 0.7f }, 1, true)]
    [InlineData(new[] { 0.1f, 0.7f, 0.7f }, 2, false)]
    [InlineData(new[] { 0.9f, 0.7f, float.NaN }, 0, false)]
    public void Accuracy_LargestLogit_IsTheAnswer(float[] logits, int right, bool expected)
    {
        float[] target = new float[3];
        target[right] = 1;
        Assert.Equal(expected, Accuracy.IsRight(logits, target));
    }

    private static Evaluation Evaluate(PairSource source, float scale, Loss? loss = null)
    {
        Model model = new(new Sequential(new Conv2d(1, 1, 1, bias: false)));
        Plan plan = model.Compile(source.Shape);
        Replica replica = plan.CreateReplica();
        replica.Load([scale]);
        Evaluation one = Evaluator.Evaluate(plan, replica, source, threads: 1, loss);
        Assert.Equal(one, Evaluator.Evaluate(plan, replica, source, threads: 3, loss));
        return one;
    }

    /// <summary>Images of one constant each, with uniform noise of deviation 0.1 on one side or both.</summary>
    private sealed class MadeUpPairs(bool isClean) : PairSource
    {
        public override int Count => 200;

        public override ImageShape Shape => new(1, Side, Side);

        public override bool HasCleanTargets => isClean;

        public override string ContentHash => "";

        public override void Read(int index, int epoch, Span<float> input, Span<float> target)
        {
            TestValues values = new((ulong)index);
            float level = Math.Abs(values.Floats(1)[0]);
            float noise = (float)(0.1 * Math.Sqrt(3));
            for (int i = 0; i < input.Length; i++)
            {
                float[] draws = values.Floats(2);
                input[i] = level + (noise * draws[0]);
                target[i] = isClean ? level : level + (noise * draws[1]);
            }
        }
    }
}
