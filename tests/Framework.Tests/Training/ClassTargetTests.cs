using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>Class numbers as targets of cross-entropy, for a sample or for each pixel: as one-hot classes.</summary>
public sealed class ClassTargetTests
{
    private const int N = 6;
    private const int K = 3;
    private readonly TestValues _values = new(3);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 5)]
    public void Evaluate_ClassNumbers_EqualOneHot(int h, int w)
    {
        (Tensor classes, Tensor oneHot) = Targets(h, w);
        Tensor logits = new(_values.Floats(N * K * h * w), N, K, h, w);
        CrossEntropy loss = new(K);
        (double expected, Tensor gradient) = loss.Evaluate(logits, oneHot);

        foreach (Tensor target in (Tensor[])[classes, classes.Reshape(N, 1, h, w)])
        {
            (double actual, Tensor actualGradient) = loss.Evaluate(logits, target);
            Assert.Equal(expected, actual, 1e-9);
            Assert.All(Enumerable.Range(0, N * K * h * w), i =>
                Assert.Equal(gradient.Span[i], actualGradient.Span[i], 1e-6f));
        }

        classes.Span[^1] = K;
        Assert.Contains("allowed are the classes 0 to 2", Assert.Throws<ConfigurationException>(
            () => loss.Evaluate(logits, classes)).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => loss.Evaluate(logits, new Tensor(N, h + 1, w)));
        Assert.Throws<ShapeException>(() => new MeanSquaredError().Evaluate(logits, classes));
    }

    [Fact]
    public void Train_ClassNumbersOfPixels_EqualOneHot_BitForBit()
    {
        (Tensor classes, Tensor oneHot) = Targets(4, 5);
        Tensor input = new(_values.Floats(N * 4 * 5), N, 1, 4, 5);
        NetworkTraining training = new() { Loss = "cross-entropy", Batch = 4, Epochs = 2 };
        Network first = new(new Sequential(new Conv2d(1, K, 3, padding: 1)));
        Network second = new(new Sequential(new Conv2d(1, K, 3, padding: 1)));

        Assert.Equal(first.Train(input, oneHot, training), second.Train(input, classes, training));

        Assert.Equal(first.Predict(input).Span.ToArray(), second.Predict(input).Span.ToArray());
        classes.Span[2] = -1;
        Assert.Throws<ConfigurationException>(() => second.Train(input, classes, training));
        Assert.Throws<ShapeException>(() => second.Train(input, classes, training with { Loss = "mse" }));
    }

    /// <summary>A classifier: its targets have another shape than its inputs.</summary>
    [Fact]
    public void Train_TargetsOfAnotherShape_AreLearned()
    {
        Tensor input = new(_values.Floats(60 * 2), 60, 2);
        Tensor classes = new(60);
        Tensor oneHot = new(60, 2);
        for (int i = 0; i < 60; i++)
        {
            classes[i] = input[i, 0] > 0 ? 1 : 0;
            oneHot[i, (int)classes[i]] = 1;
        }

        NetworkTraining training = new()
        {
            Loss = "cross-entropy",
            Epochs = 40,
            Batch = 20,
            Optimizer = new OptimizerOptions { LearningRate = 0.05 },
        };
        foreach (Tensor target in (Tensor[])[classes, oneHot])
        {
            Network network = new(new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 2)));
            IReadOnlyList<double> losses = network.Train(input, target, training);
            Assert.True(losses[^1] < losses[0] / 3, $"{losses[0]} to {losses[^1]}");
        }

        Network three = new(new Sequential(new Linear(2, 3)));
        Assert.Contains("the targets are [N, 2, 1, 1]", Assert.Throws<ConfigurationException>(
            () => three.Train(input, oneHot, training)).Message, StringComparison.Ordinal);
    }

    private static (Tensor Classes, Tensor OneHot) Targets(int h, int w)
    {
        Tensor classes = h * w == 1 ? new Tensor(N) : new Tensor(N, h, w);
        Tensor oneHot = new(N, K, h, w);
        for (int i = 0; i < classes.Span.Length; i++)
        {
            int one = i * 7 % K;
            classes.Span[i] = one;
            oneHot[i / (h * w), one, i % (h * w) / w, i % w] = 1;
        }

        return (classes, oneHot);
    }
}
