using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>Training that goes on from call to call and file to file; files, threads and sizes of networks.</summary>
public sealed class NetworkTrainingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("network-").FullName;
    private readonly TestValues _values = new(12);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Order, fresh noise, dropout and the optimizer's means go on.</summary>
    [Theory]
    [InlineData("adam")]
    [InlineData("sgd")]
    public void Train_ThreeCallsOfOneEpoch_EqualOneOfThree(string name)
    {
        NetworkTraining training = Training(name);
        Network once = Make();
        Network thrice = Make();
        IReadOnlyList<double> losses = once.Train(Pairs(), training with { Epochs = 3 });
        double[] single = [.. Enumerable.Range(0, 3).SelectMany(_ => thrice.Train(Pairs(), training))];
        Assert.Equal(losses, single);
        Assert.Equal(Hash(once), Hash(thrice));
        Assert.Equal(3, losses.Distinct().Count());
    }

    [Fact]
    public void Train_AScheduleOfKnownLength_GoesOnToo_AndNeedsTheTotal()
    {
        NetworkTraining training = Training("adam") with { Schedule = "cosine", TotalEpochs = 3 };
        Network once = Make();
        Network parts = Make();
        once.Train(Pairs(), training with { Epochs = 3 });
        parts.Train(Pairs(), training with { Epochs = 2 });
        parts.Train(Pairs(), training);
        Assert.Equal(Hash(once), Hash(parts));
        Assert.Throws<ConfigurationException>(() => parts.Train(Pairs(), training));
        Assert.Throws<ConfigurationException>(() => parts.Train(Pairs(), training with { TotalEpochs = null }));
    }

    [Fact]
    public void Save_WithTraining_GoesOnAfterLoad_AndWithoutBeginsAnew()
    {
        string[] files = [Path.Combine(_folder, "weights.safetensors"), Path.Combine(_folder, "training.safetensors")];
        Network network = Make();
        network.Range = (0, 4095);
        network.Train(Pairs(), Training("adam"));
        network.Save(files[0]);
        network.Save(files[1], withTraining: true);
        network.Train(Pairs(), Training("adam"));

        Network anew = Network.Create(files[0]);
        Network goesOn = Network.Create(files[1]);
        Assert.Equal(((0.0, 4095.0), (0.0, 4095.0)), (anew.Range!.Value, goesOn.Range!.Value));
        Assert.Equal(Hash(anew), Hash(goesOn));
        goesOn.Train(Pairs(), Training("adam"));
        anew.Train(Pairs(), Training("adam"));
        Assert.Equal(Hash(network), Hash(goesOn));
        Assert.NotEqual(Hash(network), Hash(anew));
    }

    /// <summary>Calls, threads and files change no bit of an average, and it changes none of the weights.</summary>
    [Fact]
    public void Train_WithAnAverage_GoesOnToo_AndPredictsByIt()
    {
        string file = Path.Combine(_folder, "average.safetensors");
        Tensor image = new(_values.Floats(3 * 32 * 32), 3, 32, 32);
        NetworkTraining training = Training("adam") with { Ema = 0.9, Threads = 1 };
        Network once = Make();
        Network parts = Make();
        Network without = Make();
        once.Train(Pairs(), training with { Epochs = 2 });
        without.Train(Pairs(), training with { Epochs = 2, Ema = 0 });
        parts.Train(Pairs(), training with { Threads = 3 });
        parts.Save(file, withTraining: true);
        Network loaded = Network.Create(file);
        Assert.Equal(parts.Predict(image).Span.ToArray(), loaded.Predict(image).Span.ToArray());
        loaded.Train(Pairs(), training with { Threads = 2 });
        Assert.Equal(once.Predict(image).Span.ToArray(), loaded.Predict(image).Span.ToArray());
        Assert.NotEqual(once.Predict(image).Span.ToArray(), without.Predict(image).Span.ToArray());
        Assert.Equal(Hash(once), Hash(loaded));
        Assert.Equal(
            without.Param().SelectMany(pair => pair.Parameter.Span.ToArray()),
            loaded.Param().SelectMany(pair => pair.Parameter.Span.ToArray()));
        once.Save(file);
        Assert.Equal(once.Predict(image).Span.ToArray(), Network.Create(file).Predict(image).Span.ToArray());
    }

    [Fact]
    public void StopWhen_EndsEarly_AndTheNextCallGoesOn()
    {
        List<(int, double)> epochs = [];
        List<int> steps = [];
        Network stopped = Make();
        NetworkTraining training = Training("adam") with
        {
            Epochs = 5,
            OnEpoch = (epoch, loss) => epochs.Add((epoch, loss)),
            OnStep = (step, _) => steps.Add(step),
            StopWhen = (epoch, _) => epoch == 1,
        };
        IReadOnlyList<double> losses = stopped.Train(Pairs(), training);
        Assert.Equal(losses.Select((loss, epoch) => (epoch, loss)), epochs);
        Assert.Equal(Enumerable.Range(1, 6), steps);
        stopped.Train(Pairs(), Training("adam"));
        Network whole = Make();
        whole.Train(Pairs(), Training("adam") with { Epochs = 3 });
        Assert.Equal(Hash(whole), Hash(stopped));
    }

    /// <summary>Another thread's call is refused and changes nothing; a callback of the same call is let in.</summary>
    [Fact]
    public void Calls_OfTwoThreads_AreRefused_AndSnapshotsAreForMany()
    {
        Network network = Make();
        Tensor image = new(_values.Floats(3 * 32 * 32), 3, 32, 32);
        float[] before = network.Predict(image).Span.ToArray();
        NetworkSnapshot snapshot = network.Snapshot();
        network.Train(Pairs(), Training("adam") with
        {
            OnStep = (_, _) => OnAnotherThread(() =>
            {
                Assert.Throws<InvalidOperationException>(() => network.Predict(image));
                Assert.Throws<InvalidOperationException>(() => network.Train(Pairs()));
                Assert.Throws<InvalidOperationException>(() => network.Snapshot());
            }),
            OnEpoch = (_, _) => Assert.NotEqual(before, network.Predict(image).Span.ToArray()),
        });

        float[][] results = new float[8][];
        Parallel.For(0, results.Length, i => results[i] = snapshot.Predict(image).Span.ToArray());
        Assert.All(results, result => Assert.Equal(before, result));
    }

    /// <summary>The U-Net halves its input five times; other sizes are continued by reflection.</summary>
    [Fact]
    public void Predict_AnySize_IsTakenAndEqualsWholeImages()
    {
        Network network = Network.Create("n2n-course:channels=4", seed: 2);
        Tensor image = new(_values.Floats(3 * 8 * 12), 3, 8, 12);
        Assert.Equal(network.Predict(image).Span, network.Snapshot().Predict(image).Span);
        Tensor odd = new(_values.Floats(2 * 3 * 9 * 13), 2, 3, 9, 13);
        Assert.Equal([2, 3, 9, 13], network.Predict(odd).Shape);
        Assert.Equal(network.Predict(odd).Sample(1).Span, network.Predict(odd.Sample(1)).Span);
        Assert.Throws<ShapeException>(() => network.Predict(new Tensor(2, 9, 13)));
    }

    [Fact]
    public void Create_Files_AreModelsToo()
    {
        string json = Path.Combine(_folder, "model.json");
        File.WriteAllText(json, """[{"type":"Conv2d","in_channels":1,"out_channels":1,"kernel_size":3,"padding":1}]""");
        Assert.Equal(10, Network.Create(json).Model.ParameterCount);
        Assert.Throws<ConfigurationException>(() => Network.Create(Path.Combine(_folder, "none.json")));
    }

    /// <summary>PyTorch's defaults, by whatever way options are made.</summary>
    [Theory]
    [InlineData("adam", 0, 1e-8)]
    [InlineData("adamw", 0.01, 1e-8)]
    [InlineData("adagrad", 0, 1e-10)]
    [InlineData("sgd", 0, 1e-8)]
    public void OptimizerOptions_Defaults_ArePyTorchs(string name, double decay, double epsilon)
    {
        OptimizerOptions options = new() { Name = name };
        Assert.Equal((decay, epsilon), (options.WeightDecay, options.Epsilon));
        Assert.Equal(options, OptimizerOptions.DefaultsOf(name));
        Assert.Equal(0, (options with { WeightDecay = 0 }).WeightDecay);
    }

    /// <summary>Waits for a thread of its own: a task might be run by the one that waits.</summary>
    private static void OnAnotherThread(Action action)
    {
        Exception? failure = null;
        Thread thread = new(() =>
        {
#pragma warning disable CA1031 // Whatever it is, it fails the test.
            try
            {
                action();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
#pragma warning restore CA1031
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    private static PairSource Pairs() =>
        DataSources.OpenTraining(new DataOptions { Noise = "gaussian:25", Limit = 19 });

    private static NetworkTraining Training(string optimizer) => new()
    {
        Batch = 8,
        Shard = 8,
        Optimizer = new OptimizerOptions { Name = optimizer, LearningRate = 0.01 },
        Threads = 2,
    };

    private static Network Make() => new(
        new Sequential(
            new Conv2d(3, 4, 3, padding: 1),
            new BatchNorm2d(4),
            new ReLU(),
            new Dropout(0.1),
            new Conv2d(4, 3, 3, padding: 1)),
        seed: 7);

    private static string Hash(Network network)
    {
        byte[] bytes =
        [
            .. network.Param().SelectMany(pair => MemoryMarshal.AsBytes(pair.Parameter.Span).ToArray()),
            .. MemoryMarshal.AsBytes(network.Predict(new Tensor(3, 6, 6)).Span).ToArray(),
        ];
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
