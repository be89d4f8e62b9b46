using Distributed.Framework.Data;
using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Metrics;
using Distributed.Framework.Models;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Layers;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Golden;

/// <summary>Networks that are told how noisy their input is, against PyTorch; and by whom they are told.</summary>
public sealed class NoiseLevelTests
{
    private static Sequential Layers => new(
        new PixelUnshuffle(2),
        new NoiseLevelMap(),
        new Conv2d(13, 8, 3, padding: 1),
        new ReLU(),
        new Conv2d(8, 12, 3, padding: 1),
        new PixelShuffle(2));

    /// <summary>
    /// torch.cat of PixelUnshuffle(2) and a plane of each image's sigma, two convolutions and PixelShuffle(2), under
    /// the mean squared error, in float64.
    /// </summary>
    [Theory]
    [InlineData(128, 1)]
    [InlineData(256, 1)]
    [InlineData(512, 1)]
    [InlineData(256, 3)]
    public void Map_ReferenceCase_MatchesForwardAndBackward(int bits, int imagesPerPass)
    {
        GoldenCase golden = GoldenCase.Load("noise_level_map");
        (int n, ImageShape input) = golden.Batch("x");
        float[] target = golden.Floats("target");
        LayerRun run = new(Layers, input, bits, imagesPerPass) { Sigma = golden.Floats("sigma") };
        foreach (ParameterSpec parameter in run.Model.Parameters)
        {
            golden.Floats(parameter.Name).CopyTo(run.Slice(run.Parameters, parameter.Name));
        }

        double sum = 0;
        int elements = run.OutputShape.Elements;
        run.Run(golden.Floats("x"), n, (output, image) =>
        {
            float[] gradient = new float[elements];
            sum += new MeanSquaredError().Evaluate(output, target.AsSpan(image * elements, elements), gradient);
            return gradient;
        });

        float count = n * elements;
        Distance.AssertClose("y", run.Output, golden.Floats("y"), 1e-6);
        Distance.AssertClose("loss", [(float)(sum / count)], golden.Floats("loss"), 1e-6);
        Distance.AssertClose("grad_x", Mean(run.InputGradient, count), golden.Floats("grad_x"), 1e-6);
        foreach (ParameterSpec parameter in run.Model.Parameters)
        {
            float[] gradient = Mean(run.Slice(run.Gradient, parameter.Name), count);
            Distance.AssertClose(parameter.Name, gradient, golden.Floats("grad_" + parameter.Name), 1e-6);
        }
    }

    /// <summary>What nobody says is seen in the whole picture, not in its tiles; what is said counts.</summary>
    [Fact]
    public void Tiles_TakeTheLevelOfTheWholePicture_OrWhatIsSaid()
    {
        Model model = new(Layers);
        float[] state = new float[model.StateCount];
        DefaultInitializer.Fill(model, seed: 3, state);
        ImageShape shape = new(3, 88, 72);
        float[] picture = new TestValues(5).Floats(shape.Elements);
        picture.AsSpan(0, shape.Elements / 2).Fill(0.5f); // Tiles without noise, and tiles with it.
        float sigma = (float)NoiseEstimate.Sigma(picture, shape);

        Assert.True(sigma > 0);
        Assert.Equal(Whole(model, state, shape, picture, sigma), Tiled(model, state, shape, picture, null));
        Assert.Equal(Whole(model, state, shape, picture, 0.5f), Tiled(model, state, shape, picture, 0.5f));
        Assert.NotEqual(
            Tiled(model, state, shape, picture, 0.5f), Tiled(model, state, shape, picture, null));
    }

    /// <summary>The level of gaussian:5-50 is the one that the copy at hand was drawn with.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SigmaOf_IsTheDeviationOfTheNoiseInTheInput(bool isFixed)
    {
        DataOptions options = new()
        {
            Source = DataOptions.Scenes,
            Noise = "gaussian:5-50",
            Augment = true,
            NoiseFixed = isFixed,
            CleanTargets = true,
            Limit = 20,
        };
        PairSource source = DataSources.OpenTraining(options);
        float[] noisy = new float[source.Shape.Elements];
        float[] clean = new float[source.Shape.Elements];
        HashSet<float> levels = [];
        for (int i = 0; i < 20; i++)
        {
            source.Read(i, 3, noisy, clean);
            double squares = noisy.Zip(clean, (x, y) => ((double)x - y) * (x - y)).Sum();
            float sigma = source.SigmaOf(i, 3)!.Value;
            // 3,072 normal numbers: their deviation is within 5 of its own deviations, 1.3 %.
            Assert.Equal(1, Math.Sqrt(squares / noisy.Length) / sigma, 0.065);
            levels.Add(sigma);
        }

        Assert.True(levels.Count > 15);
        Assert.InRange(levels.Min(), 5 / 255f, 50 / 255f);
        Assert.Equal(isFixed, source.SigmaOf(7, 3) == source.SigmaOf(7, 4));
    }

    [Fact]
    public void Sigma_OfNoiseWithoutOneLevel_IsUnknown()
    {
        NoiseKey key = new(new Philox(1, RandomPurpose.TrainingNoise), 0, 0, 0);
        Assert.Equal(25 / 255f, NoiseModel.Parse("gaussian:25").Sigma(key));
        Assert.Null(NoiseModel.Parse("poisson:30").Sigma(key));
        Assert.Null(NoiseModel.Parse("text").Sigma(key));
    }

    [Fact]
    public void Training_GivesTheSameBitsOnAnyNumberOfThreads()
    {
        float[] one = Train(1);
        Assert.Equal(one, Train(3));
    }

    private static float[] Train(int threads)
    {
        DataOptions options = new() { Source = DataOptions.Scenes, Augment = true, Limit = 24 };
        Network network = Network.Create("n2n-residual:channels=4");
        network.Train(
            DataSources.OpenTraining(options),
            new NetworkTraining { Epochs = 2, Batch = 8, Shard = 2, Threads = threads });
        return [.. network.Predict(new Tensor(3, 16, 16), 0.1f).Span];
    }

    private static float[] Whole(Model model, float[] state, ImageShape shape, float[] picture, float sigma)
    {
        Plan plan = model.Compile(shape);
        Replica replica = plan.CreateReplica();
        replica.Load(state);
        Predictor predictor = new(plan) { Sigma = sigma };
        picture.CopyTo(predictor.Input, 0);
        predictor.Run(replica);
        return predictor.Output;
    }

    private static float[] Tiled(Model model, float[] state, ImageShape shape, float[] picture, float? sigma)
    {
        float[] output = new float[shape.Elements];
        new TiledPredictor(model, state, threads: 2) { Side = 16 }.Run(shape, picture, output, sigma);
        return output;
    }

    private static float[] Mean(ReadOnlySpan<float> sums, float count)
    {
        return [.. sums.ToArray().Select(value => value / count)];
    }
}
