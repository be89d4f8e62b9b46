using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Models;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Golden;

/// <summary>The loss of Neighbor2Neighbor, with no gradient through f(y), against PyTorch's.</summary>
public sealed class NeighborTermTests
{
    private const string Residual = "n2n-residual:channels=16,level=blind";

    private static Sequential Layers =>
        new(new Conv2d(3, 8, 3, padding: 1), new ReLU(), new Conv2d(8, 3, 3, padding: 1));

    /// <summary>
    /// mean (f(g1) - g2)^2 + gamma mean (f(g1) - g2 - (g1(f(y)) - g2(f(y))))^2 in float64, f(y) without gradient, of
    /// three windows with their pixels drawn by PyTorch; gamma is 1.5 three quarters through the run.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Shard_ReferenceCase_MatchesLossAndGradients(int imagesPerPass)
    {
        GoldenCase golden = GoldenCase.Load("neighbors");
        GoldenWindows source = new(golden);
        Model model = new(Layers, ConvolutionAlgorithm.Direct);
        float[] parameters = new float[model.StateCount];
        foreach (ParameterSpec parameter in model.Parameters)
        {
            golden.Floats(parameter.Name).CopyTo(parameters.AsSpan(parameter.Start));
        }

        Plan plan = model.Compile(source.Shape, imagesPerPass: imagesPerPass);
        Replica replica = plan.CreateReplica();
        replica.Load(parameters);
        GradientComputer computer = new(
            plan,
            source,
            new SampleOrder(seed: 0, source.Count, shuffled: false),
            new MeanSquaredError(),
            seed: 0,
            stepsTotal: 4)
        {
            Neighbors = new NeighborTerm(
                NeighborTerm.Compile(model, source, new RunConfiguration())!,
                source,
                new MeanSquaredError(),
                NeighborTerm.StandardGamma),
        };
        using PooledBuffer sum = new BufferPool(model.StateCount).Rent();
        computer.Compute(replica, step: 3, epoch: 0, new SampleSpan(0, source.Count), sum);

        Assert.Equal(NeighborTerm.StandardGamma * 3 / 4, golden.Double("gamma"));
        float count = source.Count * source.Shape.Elements;
        Distance.AssertClose("loss", [(float)(sum.Loss / count)], golden.Floats("loss"), 1e-6);
        foreach (ParameterSpec parameter in model.Parameters)
        {
            float[] gradient =
                [.. sum.Values.Span.Slice(parameter.Start, parameter.Count).ToArray().Select(value => value / count)];
            Distance.AssertClose(parameter.Name, gradient, golden.Floats("grad_" + parameter.Name), 1e-6);
        }
    }

    /// <summary>Threads change no bit, and the second term counts: without it other weights come out.</summary>
    [Fact]
    public void Training_GivesTheSameBitsOnAnyNumberOfThreads()
    {
        float[] one = Train(threads: 1, epochs: 3);
        Assert.Equal(one, Train(threads: 3, epochs: 3));
        Assert.NotEqual(Train(threads: 2, epochs: 1), Train(threads: 2, epochs: 1, total: 2));
    }

    [Fact]
    public void Compile_OtherLosses_AreRefusedByName_AndGammaZeroNeedsNoTerm()
    {
        GoldenWindows source = new(GoldenCase.Load("neighbors"));
        RunConfiguration absolute = new() { Loss = "l1" };
        ConfigurationException exception = Assert.Throws<ConfigurationException>(
            () => NeighborTerm.Compile(new Model(Layers), source, absolute));
        Assert.Contains("loss l1 does not apply to", exception.Message, StringComparison.Ordinal);
        Assert.Null(NeighborTerm.Compile(new Model(Layers), source, absolute with { NeighborGamma = 0 }));

        PairSource others = DataSources.OpenTraining(new DataOptions());
        Assert.Null(NeighborTerm.Compile(new Model(Layers), others, new RunConfiguration()));
        exception = Assert.Throws<ConfigurationException>(
            () => NeighborTerm.Compile(new Model(Layers), others, new RunConfiguration { NeighborGamma = 1 }));
        Assert.Contains("neighbor-gamma 1 does not apply", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>A plan at another size computes with one replica what it computes with its own.</summary>
    [Fact]
    public void Replica_ServesThePlansOfOneModel_AndOfNoOther()
    {
        Model model = new(Catalogue.Find(Residual, 3)!);
        float[] parameters = new TestValues(3).Floats(model.StateCount);
        Plan small = model.Compile(new ImageShape(3, 8, 16));
        Plan large = model.Compile(new ImageShape(3, 24, 16));
        Replica own = large.CreateReplica();
        Replica shared = small.CreateReplica();
        own.Load(parameters);
        shared.Load(parameters);
        Predictor predictor = new(large);
        new TestValues(4).Floats(predictor.Input.Length).CopyTo(predictor.Input, 0);
        predictor.Run(own);
        float[] expected = [.. predictor.Output];
        predictor.Run(shared);
        Assert.Equal(expected, predictor.Output);
        Plan other = new Model(Catalogue.Find(Residual, 3)!).Compile(new ImageShape(3, 8, 16));
        Assert.Throws<ArgumentException>(() => predictor.Run(other.CreateReplica()));
    }

    private static float[] Train(int threads, int epochs, int? total = null)
    {
        Network network = new(Layers);
        NetworkTraining training = new()
        {
            Epochs = epochs,
            TotalEpochs = total,
            Batch = 3,
            Shard = 1,
            Threads = threads,
        };
        network.Train(new GoldenWindows(GoldenCase.Load("neighbors"), copies: 3), training);
        return [.. network.Param().SelectMany(each => each.Parameter.Span.ToArray())];
    }

    /// <summary>The windows of the golden case, some times over, and the pixels that were drawn of each.</summary>
    private sealed class GoldenWindows(GoldenCase golden, int copies = 1) : PairSource
    {
        private readonly float[] _windows = golden.Floats("window");
        private readonly float[][] _places = [golden.Floats("first"), golden.Floats("second")];
        private readonly (int N, ImageShape Image) _batch = golden.Batch("window");

        public override int Count => copies * _batch.N;

        public override ImageShape Shape => new(_batch.Image.C, _batch.Image.H / 2, _batch.Image.W / 2);

        public override ImageShape? WindowShape => _batch.Image;

        public override bool HasCleanTargets => false;

        public override string ContentHash { get; } = new('0', 64);

        public override void Read(int index, int epoch, Span<float> input, Span<float> target)
        {
            float[] window = new float[_batch.Image.Elements];
            ReadWindow(index, epoch, window);
            Split(index, epoch, window, input, target);
        }

        public override void ReadWindow(int index, int epoch, Span<float> window) =>
            _windows.AsSpan(index % _batch.N * window.Length, window.Length).CopyTo(window);

        public override void Split(
            int index, int epoch, ReadOnlySpan<float> window, Span<float> first, Span<float> second)
        {
            int cells = Shape.H * Shape.W;
            for (int i = 0; i < Shape.Elements; i++)
            {
                int place = (index % _batch.N * cells) + (i % cells);
                int plane = i / cells * cells * 4;
                first[i] = window[plane + (int)_places[0][place]];
                second[i] = window[plane + (int)_places[1][place]];
            }
        }
    }
}
