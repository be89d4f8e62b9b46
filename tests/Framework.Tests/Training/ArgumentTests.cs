using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Schedules;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>
/// What is made in code checks its numbers as the command line does: argument, value and range are named.
/// </summary>
public sealed class ArgumentTests
{
    private const double NaN = double.NaN;
    private const double Infinity = double.PositiveInfinity;

    [Fact]
    public void Optimizers_NumbersOutOfRange_AreRefused()
    {
        foreach (double value in (double[])[-0.1, 1, 1.5, NaN])
        {
            AssertRefused(() => new Sgd(4, value), "Sgd", "momentum", value, "0 to below 1");
            AssertRefused(() => new Adam(4, value), "Adam", "beta1", value, "0 to below 1");
            AssertRefused(() => new Adam(4, beta2: value), "Adam", "beta2", value, "0 to below 1");
        }

        foreach (double value in (double[])[-1, NaN, Infinity])
        {
            AssertRefused(() => new Sgd(4, weightDecay: value), "Sgd", "weight decay", value, "0 or more");
            AssertRefused(() => new Adam(4, weightDecay: value), "Adam", "weight decay", value, "0 or more");
            AssertRefused(() => new AdaGrad(4, weightDecay: value), "AdaGrad", "weight decay", value, "0 or more");
            AssertRefused(() => new AdaGrad(4, value), "AdaGrad", "learning rate decay", value, "0 or more");
            AssertRefused(() => new AdaGrad(4, 0, value), "AdaGrad", "initial accumulator", value, "0 or more");
        }

        foreach (double value in (double[])[0, -1e-8, 1e-60, NaN, Infinity])
        {
            AssertRefused(() => new Adam(4, epsilon: value), "Adam", "eps", value, "more than 0");
            AssertRefused(() => new AdaGrad(4, epsilon: value), "AdaGrad", "eps", value, "more than 0");
        }

        AssertRefused(() => new Sgd(4, 0, nesterov: true), "Sgd", "nesterov", 0, "above 0 to below 1");
        AssertRefused(() => new Sgd(-1), "Sgd", "parameter count", -1, "0 or more");
    }

    [Theory]
    [InlineData(-1e-3)]
    [InlineData(NaN)]
    [InlineData(Infinity)]
    public void Step_LearningRateOutOfRange_IsRefused(double rate)
    {
        foreach (Optimizer optimizer in (Optimizer[])[new Sgd(4), new Adam(4), new AdaGrad(4)])
        {
            AlignedBuffer values = new(4);
            AssertRefused(
                () =>
                {
                    optimizer.Step(values, values, 1, rate, values);
                    return values;
                },
                optimizer.GetType().Name,
                "learning rate",
                rate,
                "0 or more");
        }
    }

    [Fact]
    public void Network_NumbersOutOfRange_AreRefused()
    {
        Network network = new(new Sequential(new Linear(2, 2)));
        Tensor values = new(4, 2);
        (NetworkTraining Training, string Named)[] wrong =
        [
            (new NetworkTraining { Optimizer = new OptimizerOptions { LearningRate = -1 } }, "lr -1"),
            (new NetworkTraining { Optimizer = new OptimizerOptions { Epsilon = 0 } }, "eps 0"),
            (new NetworkTraining { Optimizer = new OptimizerOptions { Beta2 = 1 } }, "betas 1"),
            (new NetworkTraining { Epochs = 0 }, "epochs is 0"),
            (new NetworkTraining { Batch = -2 }, "batch is -2"),
            (new NetworkTraining { Shard = 0 }, "shard is 0"),
            (new NetworkTraining { Threads = 0 }, "threads is 0"),
            (new NetworkTraining { Warmup = -1 }, "warm-up is -1"),
            (new NetworkTraining { Schedule = "rampdown:2" }, "rampdown:2"),
            (new NetworkTraining { Loss = "l3" }, "l3"),
            (new NetworkTraining { Reduction = "median" }, "median"),
        ];
        foreach ((NetworkTraining training, string named) in wrong)
        {
            Assert.Contains(named, Refusal(() => network.Train(values, values, training)), StringComparison.Ordinal);
        }

        Assert.Contains("In is 0", Refusal(() => Network.Create("n2n-final", 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void NoiseModels_LevelsOutOfRange_AreRefused()
    {
        foreach (NoiseLevel level in (NoiseLevel[])[new(-1, 1), new(0, 0), new(2, 1), new(1, 1e9f), new(0, float.NaN)])
        {
            Assert.Contains("0.99", Refusal(() => new BernoulliNoise(level)), StringComparison.Ordinal);
            Assert.Contains("0.99", Refusal(() => new ImpulseNoise(level)), StringComparison.Ordinal);
            Assert.Contains("0.9", Refusal(() => new TextNoise(level)), StringComparison.Ordinal);
            Assert.Contains("2550", Refusal(() => new GaussianNoise(level)), StringComparison.Ordinal);
            Assert.Contains("1000000", Refusal(() => new PoissonNoise(level)), StringComparison.Ordinal);
        }

        Assert.Contains("blur is 9; allowed are 0.25 to 8", Refusal(() => new CorrelatedNoise(new(1, 1), 9)));
        Assert.Contains("blur is NaN", Refusal(() => new CorrelatedNoise(new(1, 1), float.NaN)));
        Assert.Contains("side is 0; allowed are 2 to 16", Refusal(() => new ResampleNoise(0)));
        Assert.Contains("side is 17", Refusal(() => new ResampleNoise(17)));
    }

    [Fact]
    public void Layers_NumbersOutOfRange_AreRefused()
    {
        (Func<object> Create, string Named)[] wrong =
        [
            (() => new Conv2d(3, 8, 0), "kernel is 0"),
            (() => new Conv2d(0, 8, 3), "In is 0"),
            (() => new Conv2d(3, 8, 3, stride: 0), "stride is 0"),
            (() => new ConvTranspose2d(3, 8, 3, stride: -1), "stride is -1"),
            (() => new ConvTranspose2d(3, 8, 3, outputPadding: 1), "output_padding is 1"),
            (() => new MaxPool2d(0), "kernel_size is 0"),
            (() => new MaxPool2d(2, stride: 0), "stride is 0"),
            (() => new NearestUpsample2d(0), "scale_factor is 0"),
            (() => new NearestUpsample2d(1 << 30), "scale_factor is 1073741824"),
            (() => Upsampling.Create(3, 8, scale: 0), "scale_factor is 0"),
            (() => new Linear(0, 8), "in_features is 0"),
            (() => new Dropout(1.5), "p is 1.5"),
            (() => new Dropout(NaN), "p is NaN"),
            (() => new LeakyReLU(-0.1), "negative_slope is -0.1"),
            (() => new ELU(Infinity), "alpha is"),
            (() => new BatchNorm2d(4, eps: 0), "eps is 0"),
            (() => new BatchNorm2d(4, momentum: 2), "momentum is 2"),
            (() => new CrossEntropy(0), "0 classes"),
            (() => RateSchedule.Create("step:2e:0.5", 0, 10, stepsPerEpoch: 0), "0 steps"),
            (() => new MeanSquaredError().Evaluate(new Tensor(1, 2), new Tensor(1, 2), progress: 2), "progress is 2"),
            (() => new AnnealedL0().Evaluate(new Tensor(1, 2), new Tensor(1, 2), progress: NaN), "progress is NaN"),
        ];
        foreach ((Func<object> create, string named) in wrong)
        {
            Assert.Contains(named, Refusal(create), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void SkipConcat_ChannelsBeyondAnInt_AreRefused()
    {
        Layer doubled = new SkipConcat(new Sequential());
        Sequential layers = new([.. Enumerable.Repeat(doubled, 31)]);
        ShapeException exception = Assert.Throws<ShapeException>(
            () => new Model(layers).OutputShape(new ImageShape(1, 1, 1)));
        Assert.Contains("30 (SkipConcat)", exception.Message, StringComparison.Ordinal);
        Assert.Contains("too large", exception.Message, StringComparison.Ordinal);
    }

    private static void AssertRefused(Func<object> create, string owner, string argument, double value, string allowed)
    {
        string message = Refusal(create);
        Assert.All([owner, argument, FormattableString.Invariant($"{value}"), allowed], part =>
            Assert.Contains(part, message, StringComparison.Ordinal));
    }

    private static string Refusal(Func<object> create)
    {
        ConfigurationException exception = Assert.Throws<ConfigurationException>(create);
        Assert.NotEmpty(exception.Remedy);
        return exception.Message;
    }
}
