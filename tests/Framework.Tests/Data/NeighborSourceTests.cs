using Distributed.Framework.Data;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Training;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Data;

/// <summary>Single noisy images: pairs as section 4.1 of the paper defines them, and what is refused.</summary>
public sealed class NeighborSourceTests : IDisposable
{
    private const int Side = 64;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// Both pixels are of one 2 x 2 cell, side by side or one above the other, never the same and never diagonal, in
    /// all channels; each of the eight ways comes as often (1,024 cells and 8 epochs: 1,024 of each, deviation 30).
    /// </summary>
    [Fact]
    public void Read_TakesTwoAdjacentPixelsOfEachCell_EachWayAsOften()
    {
        PairSource source = DataSources.OpenTraining(Counting(channels: 2));
        Assert.Equal((new ImageShape(2, Side / 2, Side / 2), new ImageShape(2, Side, Side)),
            (source.Shape, source.WindowShape!.Value));
        Assert.False(source.HasCleanTargets);
        int cells = Side / 2 * (Side / 2);
        int[] ways = new int[16];
        for (int epoch = 0; epoch < 8; epoch++)
        {
            (float[] input, float[] target) = source.Pair(0, epoch);
            for (int cell = 0; cell < cells; cell++)
            {
                (int first, int second) = ((int)input[cell], (int)target[cell]);
                Assert.Equal((cell / (Side / 2), cell % (Side / 2)), Cell(first));
                Assert.Equal(Cell(first), Cell(second));
                (int y, int x) = ((first / Side) - (second / Side), (first % Side) - (second % Side));
                Assert.Equal(1, Math.Abs(y) + Math.Abs(x));
                ways[(4 * Within(first)) + Within(second)]++;
                Assert.Equal((first + (Side * Side), second + (Side * Side)),
                    ((int)input[cells + cell], (int)target[cells + cell]));
            }
        }

        int[] drawn = [.. ways.Where(count => count > 0)];
        Assert.Equal(8, drawn.Length);
        Assert.All(drawn, count => Assert.InRange(count, 1024 - 150, 1024 + 150));
    }

    /// <summary>What is taken of a window is a function of seed, epoch and sample, whatever it shows.</summary>
    [Fact]
    public void Split_IsAFunctionOfSeedEpochAndSample()
    {
        DataOptions options = Counting(images: 2);
        PairSource source = DataSources.OpenTraining(options);
        float[] window = new float[Side * Side];
        source.ReadWindow(1, 3, window);
        float[] first = new float[source.Shape.Elements];
        float[] second = new float[source.Shape.Elements];
        source.Split(1, 3, window, first, second);
        (float[] input, float[] target) = source.Pair(1, 3);
        Assert.Equal(input, first);
        Assert.Equal(target, second);
        Assert.NotEqual(input, source.Pair(1, 4).Input);
        Assert.Equal(input, DataSources.OpenTraining(options).Pair(1, 3).Input);
        Assert.NotEqual(input, DataSources.OpenTraining(options with { Seed = 1 }).Pair(1, 3).Input);
        Assert.NotEqual(Places(source, 0), Places(source, 1));

        static float[] Places(PairSource source, int index) =>
            [.. source.Pair(index).Input.Select(value => value % (Side * Side))];
    }

    [Fact]
    public void Holdout_HoldsOutRows_WhosePairsStay()
    {
        DataOptions options = Counting() with
        {
            Crop = 8,
            Windows = DataOptions.CoveringWindows,
            Holdout = 0.25,
        };
        PairSource training = DataSources.OpenTraining(options);
        PairSource held = DataSources.OpenValidation(options)!;
        Assert.Equal((8, 8), (training.Count, held.Count));
        Assert.Equal(held.Pair(3, 0).Input, held.Pair(3, 7).Input);
        float[] window = new float[16 * 16];
        for (int i = 0; i < training.Count; i++)
        {
            training.ReadWindow(i, 5, window);
            Assert.True(window.Max() < Side * Side / 2);
            held.ReadWindow(i, 5, window);
            Assert.True(window.Min() >= Side * Side / 2);
        }

        Evaluation evaluation = Network.Create("n2n-8").Evaluate(Rgb(options));
        Assert.True(evaluation.AreNeighbors);
        Assert.False(evaluation.IsClean);

        PairSource Rgb(DataOptions grey) => DataSources.OpenValidation(Counting(channels: 3) with
        {
            Crop = grey.Crop,
            Windows = grey.Windows,
            Holdout = grey.Holdout,
        })!;
    }

    [Fact]
    public void Open_WhatIsNoSingleNoisyImage_IsRefusedByName()
    {
        string pairs = _folder.Write("pairs.npy", ArrayFiles.Npy("|u1", "2, 3, 1, 8, 8", new byte[2 * 3 * 64]));
        Refused("holds pairs already", new DataOptions { Source = pairs });
        Refused("made without noise", new DataOptions { Source = DataOptions.Scenes });
        Refused("images and their classes", new DataOptions
        {
            Source = _folder.Write("cifar.bin", ArrayFiles.Cifar(10, 1)),
        });
        Refused("noisy themselves", Counting() with { Noise = "gaussian:25" });
        Refused("no clean images", Counting() with { CleanTargets = true });

        static void Refused(string words, DataOptions options) => Assert.Contains(
            words,
            Assert.Throws<ConfigurationException>(
                () => DataSources.OpenTraining(options with { Pairs = DataOptions.NeighborPairs })).Message,
            StringComparison.Ordinal);
    }

    /// <summary>A stack is as many single images; what is clean may be validated with, and gets noise for it.</summary>
    [Fact]
    public void Open_Stacks_AndCleanValidation()
    {
        uint[] pixels = [.. Enumerable.Range(0, 16 * 16).Select(i => (uint)i)];
        string stack = _folder.Write("stack.tif", new TiffWriter(16, 16, 1, 16).Write(pixels, pixels, pixels, pixels));
        DataOptions options = new()
        {
            Source = stack,
            Pairs = DataOptions.NeighborPairs,
            Validation = Counting().Source,
            Noise = "gaussian:25",
        };
        PairSource training = DataSources.OpenTraining(options);
        Assert.Equal((4, new ImageShape(1, 8, 8)), (training.Count, training.Shape));
        Assert.Contains("neighbouring pixels", training.Description!.Pairs, StringComparison.Ordinal);
        PairSource validation = DataSources.OpenValidation(options)!;
        Assert.True(validation.HasCleanTargets);
        Assert.Null(validation.WindowShape);
    }

    /// <summary>Workers elsewhere have the images from a packed file: their pairs are the same.</summary>
    [Fact]
    public void OpenPacked_GivesTheSamePairs()
    {
        DataOptions options = Counting(images: 3) with { Crop = 8, Windows = DataOptions.CoveringWindows };
        PairSource source = DataSources.OpenTraining(options);
        PairSource packed = PackedBlocks.Reopen(source, options, _folder.File("packed"));
        Assert.Equal((source.Count, source.WindowShape), (packed.Count, packed.WindowShape));
        Assert.Equal(source.Pair(5, 2).Input, packed.Pair(5, 2).Input);
        Assert.Equal(source.Pair(5, 2).Target, packed.Pair(5, 2).Target);
    }

    private static (int Y, int X) Cell(int pixel) => (pixel / Side / 2, pixel % Side / 2);

    private static int Within(int pixel) => (2 * (pixel / Side % 2)) + (pixel % 2);

    /// <summary>Images in which every pixel is another number.</summary>
    private DataOptions Counting(int images = 1, int channels = 1)
    {
        byte[] data =
        [
            .. Enumerable.Range(0, images * channels * Side * Side).SelectMany(i => BitConverter.GetBytes((float)i)),
        ];
        string shape = $"{images}, {channels}, {Side}, {Side}";
        return new DataOptions
        {
            Source = _folder.Write($"counting-{images}-{channels}.npy", ArrayFiles.Npy("<f4", shape, data)),
            Pairs = DataOptions.NeighborPairs,
        };
    }
}
