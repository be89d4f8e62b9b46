using Distributed.Framework.Errors;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Optimizers;

/// <summary>AdamW, Adam with epsilon inside the root, and AdaGrad, against float64 loops and over a resume.</summary>
/// <remarks>Error budget as for the others: 2e-6 absolute for numbers of magnitude 1.</remarks>
public sealed class OtherOptimizerTests
{
    private const double Tolerance = 2e-6;
    private const int Steps = 5;

    [Theory]
    [InlineData(AdamForm.DecoupledDecay, 1e-8)]
    [InlineData(AdamForm.EpsilonInsideRoot, 1e-3)]
    [InlineData(AdamForm.DecoupledDecay | AdamForm.EpsilonInsideRoot, 1e-3)]
    public void Adam_OtherForms_FollowTheTwin(AdamForm form, double epsilon)
    {
        const double decay = 0.1;
        bool isDecoupled = form.HasFlag(AdamForm.DecoupledDecay);
        for (int length = 1; length <= 40; length++)
        {
            TestValues values = new((ulong)length);
            Adam adam = new(length, 0.8, 0.9, epsilon, decay, form);
            AlignedBuffer parameters = Buffer(values.Floats(length));
            double[] expected = [.. parameters.Span.ToArray().Select(value => (double)value)];
            double[] mean = new double[length];
            double[] square = new double[length];
            for (int step = 1; step <= Steps; step++)
            {
                float[] gradient = values.Floats(length);
                adam.Step(parameters, Buffer(gradient), 3, 0.1, parameters);
                for (int i = 0; i < length; i++)
                {
                    double g = (gradient[i] / 3.0) + (isDecoupled ? 0 : decay * expected[i]);
                    mean[i] = (0.8 * mean[i]) + (0.2 * g);
                    square[i] = (0.9 * square[i]) + (0.1 * g * g);
                    double corrected = square[i] / (1 - Math.Pow(0.9, step));
                    double root = form.HasFlag(AdamForm.EpsilonInsideRoot)
                        ? Math.Sqrt(corrected + epsilon)
                        : Math.Sqrt(corrected) + epsilon;
                    expected[i] *= isDecoupled ? 1 - (0.1 * decay) : 1;
                    expected[i] -= 0.1 * mean[i] / (1 - Math.Pow(0.8, step)) / root;
                    Assert.Equal(expected[i], parameters.Span[i], Tolerance);
                }
            }
        }
    }

    /// <summary>Of a large model helpers take over ranges; in pieces of a small one nobody helps.</summary>
    [Fact]
    public void Step_OfALargeModel_EqualsItsPieces()
    {
        const int length = (4 * 65536) + 37;
        const int piece = 1 << 15;
        TestValues values = new(5);
        float[] start = values.Floats(length);
        float[] gradient = values.Floats(length);
        foreach (Func<int, Optimizer> create in (Func<int, Optimizer>[])
            [count => new Adam(count), count => new Sgd(count, momentum: 0.9), count => new AdaGrad(count)])
        {
            float[] whole = TwoSteps(create(length), start, gradient);
            float[] pieces = [.. start.Chunk(piece).Zip(gradient.Chunk(piece))
                .SelectMany(part => TwoSteps(create(part.First.Length), part.First, part.Second))];
            Assert.Equal(pieces, whole);
        }
    }

    /// <summary>Rate decay, initial accumulator and weight decay together, as PyTorch 1.13 computed them.</summary>
    [Fact]
    public void AdaGrad_AllOptions_MatchesPyTorch()
    {
        AdaGrad adaGrad = new(3, learningRateDecay: 0.05, initialAccumulator: 0.3, weightDecay: 0.1);
        AlignedBuffer parameters = Buffer([1, -2, 3]);
        foreach (float[] gradient in new float[][] { [1, 0.5f, -2], [0.1f, -1, 0.3f], [2, 2, 2] })
        {
            adaGrad.Step(parameters, Buffer(gradient), 1, 0.1, parameters);
        }

        float[] expected = [0.8177309632301331f, -2.036128282546997f, 2.9940640926361084f];
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(expected[i], parameters.Span[i], 5e-7);
        }
    }

    [Theory]
    [InlineData("sgd")]
    [InlineData("adam")]
    [InlineData("adamw")]
    [InlineData("adagrad")]
    public void State_CopiedToAnother_GoesOnWithTheSameBits(string name)
    {
        const int length = 37;
        OptimizerOptions options = OptimizerOptions.DefaultsOf(name);
        options = name switch
        {
            "sgd" => options with { Momentum = 0.9 },
            "adagrad" => options with { LearningRateDecay = 0.1, InitialAccumulator = 0.2 },
            _ => options with { EpsilonInsideRoot = true },
        };
        Optimizer first = options.Create(length);
        AlignedBuffer parameters = Buffer(new TestValues(1).Floats(length));
        for (int step = 0; step < 3; step++)
        {
            first.Step(parameters, Buffer(new TestValues((ulong)step).Floats(length)), 2, 0.1, parameters);
        }

        Optimizer second = options.Create(length);
        second.Scalars = first.Scalars;
        foreach (((_, AlignedBuffer from), (_, AlignedBuffer to)) in first.Slots.Zip(second.Slots))
        {
            from.Span.CopyTo(to.Span);
        }

        AlignedBuffer next = Buffer(new TestValues(9).Floats(length));
        AlignedBuffer one = new(length);
        AlignedBuffer two = new(length);
        first.Step(parameters, next, 2, 0.1, one);
        second.Step(parameters, next, 2, 0.1, two);
        Assert.Equal(one.Span.ToArray(), two.Span.ToArray());
    }

    [Fact]
    public void Options_OfAnotherOptimizer_AreRefusedByName()
    {
        (OptimizerOptions Options, string Named)[] cases =
        [
            (new() { Name = "adamw", Momentum = 0.9 }, "momentum"),
            (new() { Name = "sgd", EpsilonInsideRoot = true }, "eps-inside-root"),
            (new() { ClipNorm = -1 }, "clip-norm -1"),
            (new() { ClipNorm = double.PositiveInfinity }, "clip-norm"),
            (new() { Name = "adam", LearningRateDecay = 0.1 }, "lr-decay"),
            (new() { Name = "adagrad", InitialAccumulator = -1 }, "initial-accumulator -1"),
            (new() { Name = "adagrad", LearningRateDecay = -1 }, "lr-decay -1"),
            (new() { Name = "lion" }, "optimizer lion"),
        ];
        foreach ((OptimizerOptions options, string named) in cases)
        {
            ConfigurationException exception = Assert.Throws<ConfigurationException>(() => options.Create(3));
            Assert.Contains(named, exception.Message, StringComparison.Ordinal);
        }
    }

    private static float[] TwoSteps(Optimizer optimizer, float[] start, float[] gradient)
    {
        AlignedBuffer parameters = Buffer(start);
        optimizer.Step(parameters, Buffer(gradient), 3, 0.1, parameters);
        optimizer.Step(parameters, Buffer(gradient), 3, 0.1, parameters);
        return parameters.Span.ToArray();
    }

    private static AlignedBuffer Buffer(float[] values)
    {
        AlignedBuffer buffer = new(values.Length);
        values.CopyTo(buffer.Span);
        return buffer;
    }
}
