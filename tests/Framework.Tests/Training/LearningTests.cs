using Distributed.Framework.Data;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>What the project is for, at a size for a test: classifiers learn, and noisy targets are enough.</summary>
public sealed class LearningTests
{
    /// <summary>
    /// Points in a disc: each loss and optimizer ends above 93 % of unseen points (in ten runs each at full length, the
    /// worst mean is above 96 %, with a standard deviation up to 1.5).
    /// </summary>
    [Theory]
    [InlineData("cross-entropy", "sgd", "relu", 0.001)]
    [InlineData("cross-entropy", "adam", "tanh", 0.001)]
    [InlineData("mse", "sgd", "relu", 0.001)]
    [InlineData("mse", "adam", "leaky-relu", 0.001)]
    public void Disc_IsLearned(string loss, string optimizer, string activation, double rate)
    {
        DataOptions data = new() { Source = "disc", Seed = 3 };
        Network network = new(Catalogue.Find($"mlp-disc:activation={activation}", 2)!, 3, "xavier-normal");
        network.Train(DataSources.OpenTraining(data), new NetworkTraining
        {
            Epochs = 30,
            Batch = 25,
            Shard = 25,
            Loss = loss,
            Reduction = "sum",
            Optimizer = new OptimizerOptions { Name = optimizer, LearningRate = rate },
        });
        double? accuracy = network.Evaluate(DataSources.OpenValidation(data)!).Accuracy;
        Assert.True(accuracy > 0.93, $"{accuracy}");
    }

    /// <summary>The claim of Noise2Noise: training on noisy targets ends where training on clean ones does.</summary>
    [Fact]
    public void NoisyTargets_AreAsGoodAsCleanOnes()
    {
        double clean = Denoise(hasCleanTargets: true, out double input);
        double noisy = Denoise(hasCleanTargets: false, out _);
        Assert.True(clean > input + 4, $"{input} dB to {clean} dB");
        Assert.InRange(noisy, clean - 0.5, clean + 0.5);
    }

    private static double Denoise(bool hasCleanTargets, out double input)
    {
        DataOptions data = new() { Noise = "gaussian:25", Limit = 3000, CleanTargets = hasCleanTargets };
        Network network = Network.Create("n2n-initial:channels=16");
        network.Train(DataSources.OpenTraining(data), new NetworkTraining
        {
            Epochs = 3,
            Batch = 10,
            Shard = 5,
            Schedule = "rampdown",
            Optimizer = new OptimizerOptions { LearningRate = 0.002 },
        });
        Evaluation evaluation = network.Evaluate(DataSources.OpenValidation(data)!);
        input = evaluation.InputPsnr;
        return evaluation.Psnr;
    }
}
