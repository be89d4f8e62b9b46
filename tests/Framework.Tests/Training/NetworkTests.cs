using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>The network as library users have it: load, train, predict; forward, backward, param, zero_grad.</summary>
public sealed class NetworkTests
{
    private readonly TestValues _values = new(11);

    [Fact]
    public void Backward_Gradients_EqualCentralDifferences()
    {
        Network network = new(new Sequential(new Conv2d(2, 3, 3, padding: 1), new Sigmoid(), new Conv2d(3, 1, 2)));
        Tensor input = new(_values.Floats(2 * 2 * 5 * 3), 2, 2, 5, 3);
        Tensor weights = new(_values.Floats(2 * 1 * 4 * 2), 2, 1, 4, 2);
        network.Forward(input);
        Tensor inputGradient = network.Backward(weights);
        Check(input, inputGradient, 7);
        foreach ((Tensor parameter, Tensor gradient) in network.Param())
        {
            Check(parameter, gradient, parameter.Span.Length / 2);
        }

        void Check(Tensor tensor, Tensor gradient, int index)
        {
            const float Step = 1f / 64;
            float old = tensor.Span[index];
            tensor.Span[index] = old + Step;
            double above = Cost();
            tensor.Span[index] = old - Step;
            double below = Cost();
            tensor.Span[index] = old;
            Assert.Equal((above - below) / (2 * Step), gradient.Span[index], 1e-3);
        }

        double Cost()
        {
            ReadOnlySpan<float> output = network.Predict(input).Span;
            double sum = 0;
            for (int i = 0; i < output.Length; i++)
            {
                sum += (double)output[i] * weights.Span[i];
            }

            return sum;
        }
    }

    [Fact]
    public void Backward_Twice_AddsUp_UntilZeroGrad()
    {
        Network network = Network.Create("n2n-initial:channels=4");
        Tensor input = new(_values.Floats(3 * 5 * 7), 3, 5, 7);
        network.Forward(input);
        network.Backward(new Tensor(_values.Floats(3 * 5 * 7), 3, 5, 7));
        (_, Tensor gradient) = network.Param()[0];
        float once = gradient[1, 2, 0, 1];
        Assert.NotEqual(0, once);
        network.ZeroGrad();
        Assert.Equal(0, gradient[1, 2, 0, 1]);
        network.Forward(input);
        network.Backward(new Tensor(_values.Floats(3 * 5 * 7), 3, 5, 7));
        once = gradient[1, 2, 0, 1];
        network.Forward(input);
        network.Backward(new Tensor(3, 5, 7));
        Assert.Equal(once, gradient[1, 2, 0, 1]);
    }

    /// <summary>The course's interface, with an update written by hand.</summary>
    [Fact]
    public void Param_StepsByHand_Learn()
    {
        Network network = new(new Sequential(new Conv2d(1, 4, 3, padding: 1), new ReLU(), new Conv2d(4, 1, 1)));
        Tensor input = new(_values.Floats(6 * 6 * 4), 4, 1, 6, 6);
        double first = Loss();
        for (int i = 0; i < 60; i++)
        {
            network.ZeroGrad();
            Tensor difference = network.Forward(input);
            for (int j = 0; j < difference.Span.Length; j++)
            {
                difference.Span[j] -= input.Span[j] / 2;
            }

            network.Backward(difference);
            foreach ((Tensor parameter, Tensor gradient) in network.Param())
            {
                for (int j = 0; j < parameter.Span.Length; j++)
                {
                    parameter.Span[j] -= 0.01f * gradient.Span[j];
                }
            }
        }

        Assert.True(Loss() < first / 4, $"from {first} to {Loss()}");

        double Loss()
        {
            ReadOnlySpan<float> output = network.Predict(input).Span;
            double sum = 0;
            for (int i = 0; i < output.Length; i++)
            {
                double difference = output[i] - (input.Span[i] / 2);
                sum += difference * difference;
            }

            return sum;
        }
    }

    /// <summary>A classifier with dropout, and classes for targets.</summary>
    [Fact]
    public void Loop_OfOnesOwn_LearnsClasses()
    {
        Network network = new(
            new Sequential(new Linear(2, 16), new Tanh(), new Dropout(0.1), new Linear(16, 3)), 4, "xavier-normal");
        Tensor input = new(_values.Floats(2 * 120), 120, 2);
        Tensor classes = new(120);
        for (int i = 0; i < 120; i++)
        {
            classes[i] = input[i, 0] > 0.3f ? 2 : input[i, 1] > 0 ? 1 : 0;
        }

        CrossEntropy loss = new(3);
        Adam adam = new(network.Model.ParameterCount);
        double first = loss.Evaluate(network.Predict(input), classes).Loss;
        for (int i = 0; i < 300; i++)
        {
            network.ZeroGrad();
            network.Backward(loss.Evaluate(network.Forward(input), classes).Gradient);
            network.Step(adam, learningRate: 0.02);
        }

        Tensor output = network.Predict(input);
        Assert.Equal([120, 3], output.Shape);
        Assert.True(loss.Evaluate(output, classes).Loss < first / 4);
        classes[5] = 3;
        Assert.Throws<ConfigurationException>(() => loss.Evaluate(output, classes));
        Assert.Throws<ShapeException>(() => new MeanSquaredError().Evaluate(output, classes));
        Assert.Throws<ShapeException>(() => new CrossEntropy(1).Evaluate(output, output));
        Assert.Throws<ConfigurationException>(() => network.Step(new Adam(10), 0.1));
        Assert.Throws<ConfigurationException>(() => network.Step(adam, -1));
    }

    /// <summary>Running statistics follow by hand as in training: one shard of the whole batch.</summary>
    [Fact]
    public void Loop_OfOnesOwn_KeepsRunningStatistics()
    {
        Sequential layers = new(new Conv2d(1, 4, 3, padding: 1), new BatchNorm2d(4), new Conv2d(4, 1, 1));
        Network byHand = new(layers, seed: 2);
        Network trained = new(layers, seed: 2);
        Tensor input = new(_values.Floats(8 * 6 * 6), 8, 1, 6, 6);
        Tensor target = new(_values.Floats(8 * 6 * 6), 8, 1, 6, 6);
        Sgd sgd = new(byHand.Model.ParameterCount);
        byHand.Backward(new MeanSquaredError().Evaluate(byHand.Forward(input), target).Gradient);
        byHand.Step(sgd, 0.5);
        trained.Train(input, target, new NetworkTraining
        {
            Batch = 8,
            Shard = 8,
            Shuffle = false,
            Optimizer = new OptimizerOptions { Name = "sgd", LearningRate = 0.5 },
        });
        float[] expected = trained.Predict(input).Span.ToArray();
        float[] actual = byHand.Predict(input).Span.ToArray();
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-5f);
        }
    }

    [Fact]
    public void Predict_OneImage_IsThatOfTheBatch()
    {
        Network network = Network.Create("n2n-final:channels=5", channels: 1);
        Tensor batch = new(_values.Floats(3 * 9 * 4), 3, 1, 9, 4);
        Tensor outputs = network.Predict(batch);
        Assert.Equal([3, 1, 9, 4], outputs.Shape);
        Tensor output = network.Predict(batch.Sample(2));
        Assert.Equal([1, 9, 4], output.Shape);
        Assert.Equal(outputs.Sample(2).Span, output.Span);
    }

    [Fact]
    public void Train_Threads_ChangeNoBit_AndLearns()
    {
        DataOptions data = new() { Noise = "gaussian:50", Limit = 60 };
        PairSource pairs = DataSources.OpenTraining(data);
        PairSource held = DataSources.OpenValidation(data with { Limit = null })!;
        Network one = Network.Create("n2n-initial:channels=6", seed: 3);
        Network two = Network.Create("n2n-initial:channels=6", seed: 3);
        double before = one.Evaluate(held).Psnr;
        NetworkTraining training = new() { Epochs = 12, Batch = 7, Shard = 2 };
        IReadOnlyList<double> losses = one.Train(pairs, training with { Threads = 1 });
        Assert.Equal(losses, two.Train(pairs, training with { Threads = 3 }));
        Assert.Equal(Hash(one), Hash(two));
        Assert.Equal(12, losses.Count);
        Assert.True(losses[^1] < losses[0]);
        Assert.True(one.Evaluate(held).Psnr > before + 3);
    }

    [Fact]
    public void Train_Tensors_AreTheirPairs()
    {
        DataOptions data = new() { Noise = "gaussian:25", NoiseFixed = true, Limit = 9 };
        PairSource pairs = DataSources.OpenTraining(data);
        Tensor inputs = new(9, 3, 32, 32);
        Tensor targets = new(9, 3, 32, 32);
        for (int i = 0; i < 9; i++)
        {
            pairs.Read(i, 0, inputs.Sample(i).Span, targets.Sample(i).Span);
        }

        Network fromSource = Network.Create("n2n-initial:channels=2");
        Network fromTensors = Network.Create("n2n-initial:channels=2");
        fromSource.Train(pairs, new NetworkTraining { Batch = 4, Epochs = 2 });
        fromTensors.Train(inputs, targets, new NetworkTraining { Batch = 4, Epochs = 2 });
        Assert.Equal(Hash(fromSource), Hash(fromTensors));
    }

    [Fact]
    public void Load_WhatWasSaved_IsTheSame()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("network-").FullName, "weights.safetensors");
        Network saved = Network.Create("n2n-final:channels=3", seed: 5);
        saved.Save(path);
        Network loaded = Network.Create("n2n-final:channels=3", seed: 6);
        Assert.NotEqual(Hash(saved), Hash(loaded));
        loaded.Load(path);
        Assert.Equal(Hash(saved), Hash(loaded));
        Assert.Throws<ConfigurationException>(() => Network.Create("n2n-final:channels=4").Load(path));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public void Misuse_IsRefused()
    {
        Network network = Network.Create("n2n-initial:channels=2");
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Network.Create("n2n-nothing"));
        Assert.Contains("n2n-nothing", fault.Message);
        NetworkTraining none = new() { Batch = 0 };
        Tensor images = new(5, 3, 4, 4);
        Assert.Throws<ConfigurationException>(() => network.Train(images, images, none));
        Assert.Throws<InvalidOperationException>(() => network.Backward(new Tensor(3, 4, 4)));
        network.Predict(new Tensor(3, 4, 4));
        Assert.Throws<InvalidOperationException>(() => network.Backward(new Tensor(3, 4, 4)));
        network.Forward(new Tensor(3, 4, 4));
        Assert.Throws<ShapeException>(() => network.Backward(new Tensor(1, 3, 4, 4)));
        Assert.Throws<ShapeException>(() => network.Predict(new Tensor(2, 4, 4)));
        Assert.Throws<ShapeException>(() => network.Predict(new Tensor(1, 1, 3, 4, 4)));
        Assert.Throws<ShapeException>(() => network.Train(new Tensor(5, 3, 4, 4), new Tensor(4, 3, 4, 4)));
        Assert.Throws<ShapeException>(() => network.Train(new Tensor(3, 4, 4), new Tensor(3, 4, 4)));
    }

    private static string Hash(Network network)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((Tensor parameter, _) in network.Param())
        {
            hash.AppendData(MemoryMarshal.AsBytes(parameter.Span));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
