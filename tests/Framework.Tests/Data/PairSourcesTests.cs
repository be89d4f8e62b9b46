using Distributed.Framework.Data;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Losses;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>What becomes of images: pairs by name, classes, packing, clean targets, masks and augmentation.</summary>
public sealed class PairSourcesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a/x.pgm", "b/x.pgm", "a/y.pgm", "b/y.pgm")]
    [InlineData("x_a.pgm", "x_b.pgm", "y_a.pgm", "y_b.pgm")]
    public void Folder_PairsByName_AreTakenTogether(string xa, string xb, string ya, string yb)
    {
        Picture(ya, 5, 4, 3);
        Picture(xb, 2, 4, 4);
        Picture(xa, 1, 4, 4);
        Picture(yb, 6, 4, 3);
        PairSource source = DataSources.OpenTraining(new DataOptions { Source = _folder.Path, Crop = 2 });

        Assert.Equal(2, source.Count);
        Assert.Equal((1 / 255f, 2 / 255f), (source.Pair(0).Input[0], source.Pair(0).Target[0]));
        Assert.Equal((5 / 255f, 6 / 255f), (source.Pair(1).Input[3], source.Pair(1).Target[3]));
        AssertPacks(new DataOptions { Source = _folder.Path, Crop = 2, Augment = true });

        File.Delete(_folder.File(yb));
        DataException fault = Assert.Throws<DataException>(() => SourceReading.Training(_folder.Path));
        Assert.Contains("partner", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenPacked_EverySource_GivesTheSamePairs()
    {
        byte[] images = ArrayFiles.Idx(8, [3, 4, 4], ArrayFiles.Counting(48));
        _folder.Write("i-labels-idx1", ArrayFiles.Idx(8, [3], [1, 9, 0]));
        string idx = _folder.Write("i-images-idx3", images);
        string cifar = _folder.Write("data.bin", ArrayFiles.Cifar(4, 3));
        string pairs = _folder.Write("pairs.npy", ArrayFiles.Npy("<u2", "2, 2, 1, 3, 3", ArrayFiles.Counting(72)));
        string pages = _folder.Write("pages.tif", new TiffWriter(2, 2, 1, 16).Write([1, 2, 3, 4], [5, 6, 7, 8]));

        AssertPacks(new DataOptions { Source = idx });
        AssertPacks(new DataOptions { Source = idx, Noise = "bernoulli:0.5" });
        AssertPacks(new DataOptions { Source = cifar });
        AssertPacks(new DataOptions { Source = cifar, Noise = "text:0-0.5", Augment = true, Crop = 16 });
        AssertPacks(new DataOptions { Source = pairs });
        AssertPacks(new DataOptions { Source = pages });
        AssertPacks(new DataOptions { Source = pages, Noise = "impulse:0.5", CleanTargets = true });
    }

    [Fact]
    public void Disc_TrainingPoints_AreStandardizedAndInTheDisc()
    {
        DataOptions options = new() { Source = DataOptions.Disc, Seed = 4 };
        PairSource training = DataSources.OpenTraining(options);
        PairSource test = DataSources.OpenValidation(options)!;
        (float[] Input, float[] Target)[] points = [.. Enumerable.Range(0, 1000).Select(i => training.Pair(i))];

        Assert.Equal((1000, 1000, 2), (training.Count, test.Count, training.ClassCount));
        Assert.Equal((new ImageShape(2, 1, 1), new ImageShape(2, 1, 1)), (training.Shape, training.TargetShape));
        for (int axis = 0; axis < 2; axis++)
        {
            Assert.Equal(0, points.Average(p => p.Input[axis]), 1e-6);
            Assert.Equal(1, points.Average(p => p.Input[axis] * p.Input[axis]), 1e-5);
        }

        // Half the area: 500 points, standard deviation 16; the others are farther out.
        Assert.InRange(points.Count(p => p.Target[1] == 1), 420, 580);
        Assert.All(points, p => Assert.Equal(1, p.Target[0] + p.Target[1]));
        double inside = points.Where(p => p.Target[1] == 1).Max(p => Distance(p.Input));
        double outside = points.Where(p => p.Target[1] == 0).Min(p => Distance(p.Input));
        Assert.Equal(Math.Sqrt(12 / (2 * Math.PI)), inside, 0.15);
        Assert.Equal(inside, outside, 0.2);
        Assert.NotEqual(training.ContentHash, test.ContentHash);
        Assert.NotEqual(training.ContentHash, SourceReading.Training(DataOptions.Disc).ContentHash);
        Assert.Throws<ConfigurationException>(() => SourceReading.Training(DataOptions.Disc, "gaussian:25"));

        static double Distance(float[] point) => Math.Sqrt((point[0] * point[0]) + (point[1] * point[1]));
    }

    [Fact]
    public void CleanTargets_AreTheImages_AndInputsStayAsTheyWere()
    {
        DataOptions options = new() { Limit = 4 };
        PairSource noisy = DataSources.OpenTraining(options);
        PairSource clean = DataSources.OpenTraining(options with { CleanTargets = true });

        Assert.Equal((false, true), (noisy.HasCleanTargets, clean.HasCleanTargets));
        Assert.Equal(noisy.Pair(2, 5).Input, clean.Pair(2, 5).Input);
        Assert.Equal(clean.Pair(2, 0).Target, clean.Pair(2, 5).Target);
        Assert.All(clean.Pair(2).Target, value => Assert.Equal(MathF.Round(value * 255) / 255, value));
    }

    /// <summary>
    /// A masked target has no error where its pixel was lost, and the mean of the others is the clean image.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MaskTarget_Bernoulli_ShardsLostPixelsOutOfTheLoss(bool isFixed)
    {
        DataOptions options = new() { Noise = "bernoulli:0.5", NoiseFixed = isFixed, Augment = true, Limit = 3 };
        PairSource source = DataSources.OpenTraining(options);
        PairSource clean = DataSources.OpenTraining(options with { CleanTargets = true });
        Assert.Equal((true, false), (source.MasksTargets, clean.MasksTargets));
        float[] gradient = new float[3072];
        for (int epoch = 0; epoch < 10; epoch++)
        {
            (_, float[] target) = source.Pair(1, epoch);
            float[] prediction = [.. Enumerable.Range(0, 3072).Select(i => 2 + (i * 1e-3f))];
            float[] masked = [.. target];
            source.MaskTarget(1, epoch, prediction, masked);
            new MeanSquaredError().Evaluate(prediction, masked, gradient);
            int lost = Enumerable.Range(0, 3072).Count(i => masked[i] == prediction[i]);
            Assert.InRange(lost, 1300, 1772);
            for (int i = 0; i < 3072; i++)
            {
                bool isLost = masked[i % 1024] == prediction[i % 1024];
                Assert.Equal(isLost ? prediction[i] : clean.Pair(1, epoch).Target[i], masked[i]);
                Assert.Equal(isLost ? 0 : target[i], target[i]);
                Assert.Equal(isLost, gradient[i] == 0);
            }
        }
    }

    [Fact]
    public void Augment_StoredPairs_TakeAllEightPositionsAndBothOrders()
    {
        byte[] data = ArrayFiles.Counting(2 * 1 * 4);
        string path = _folder.Write("pairs.npy", ArrayFiles.Npy("|u1", "2, 1, 1, 2, 2", data));
        DataOptions options = new() { Source = path, Augment = true, Validation = path };
        PairSource source = DataSources.OpenTraining(options);
        Dictionary<string, int> seen = [];
        for (int epoch = 0; epoch < 1600; epoch++)
        {
            (float[] input, float[] target) = source.Pair(0, epoch);
            Assert.Equal(input, source.Pair(0, epoch).Input);
            float offset = input.Min() == 0 ? 20 / 255f : -20 / 255f;
            Assert.All(input.Zip(target), pair => Assert.Equal(pair.First + offset, pair.Second, 1e-6));
            string key = string.Join(' ', input);
            seen[key] = seen.GetValueOrDefault(key) + 1;
        }

        Assert.Equal(16, seen.Count);
        Assert.All(seen.Values, count => Assert.InRange(count, 60, 140));
        Assert.Equal([0f, 5 / 255f, 10 / 255f, 15 / 255f], DataSources.OpenValidation(options)!.Pair(0, 3).Input);

        PairSource towardsClean = DataSources.OpenTraining(options with { CleanTargets = true });
        Assert.All(Enumerable.Range(0, 50), epoch => Assert.InRange(towardsClean.Pair(0, epoch).Input.Max(), 0, 0.07f));
    }

    [Fact]
    public void Augment_WhatIsNotSquare_IsFlippedOnly()
    {
        string path = _folder.Write("pairs.npy", ArrayFiles.Npy("|u1", "2, 1, 1, 1, 3", ArrayFiles.Counting(6)));
        PairSource source = DataSources.OpenTraining(new DataOptions { Source = path, Augment = true });
        HashSet<string> seen = [.. Enumerable.Range(0, 100).Select(e => string.Join(' ', source.Pair(0, e).Input))];

        Assert.Equal(4, seen.Count);
    }

    [Fact]
    public void Augment_FixedNoise_TurnsWithItsImage()
    {
        DataOptions options = new() { Noise = "gaussian:25", NoiseFixed = true, Augment = true, Limit = 2 };
        PairSource source = DataSources.OpenTraining(options);
        HashSet<string> sets = [.. Enumerable.Range(0, 30).Select(epoch =>
            string.Join(' ', source.Pair(1, epoch).Input.Take(1024).Order().Take(20)))];
        HashSet<string> fresh = [.. Enumerable.Range(0, 30).Select(epoch =>
            string.Join(' ', DataSources.OpenTraining(options with { NoiseFixed = false })
                .Pair(1, epoch).Input.Take(1024).Order().Take(20)))];

        // Two noisy images, each always with the same values, wherever they are.
        Assert.Equal(2, sets.Count);
        Assert.Equal(30, fresh.Count);
    }

    [Theory]
    [InlineData("correlated:25,2")]
    [InlineData("poisson:30")]
    [InlineData("bernoulli:0.5")]
    [InlineData("text:0-0.5")]
    [InlineData("impulse:0.5")]
    public void Read_EveryNoiseWithAugmentation_AllocatesNothing(string noise)
    {
        PairSource source = DataSources.OpenTraining(new DataOptions { Noise = noise, Augment = true, Limit = 4 });
        (float[] input, float[] target) = source.Pair(0);
        ReadAll();

        Assert.Equal(0, Allocation.Of(ReadAll));

        void ReadAll()
        {
            for (int index = 0; index < 4; index++)
            {
                source.Read(index, 2, input, target);
                source.MaskTarget(index, 2, input, target);
            }
        }
    }

    private void Picture(string name, byte value, int height, int width)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
        byte[] header = System.Text.Encoding.ASCII.GetBytes($"P5 {width} {height} 255\n");
        _folder.Write(name, [.. header, .. Enumerable.Repeat(value, width * height)]);
    }

    private void AssertPacks(DataOptions options)
    {
        PairSource source = DataSources.OpenTraining(options);
        string path = _folder.File("packed");
        PairSource packed = PackedBlocks.Reopen(source, options, path);
        Assert.Equal(
            (source.Count, source.Shape, source.TargetShape, source.ClassCount, source.ContentHash),
            (packed.Count, packed.Shape, packed.TargetShape, packed.ClassCount, packed.ContentHash));
        for (int i = 0; i < source.Count; i++)
        {
            Assert.Equal(source.Pair(i, 3).Input, packed.Pair(i, 3).Input);
            Assert.Equal(source.Pair(i, 3).Target, packed.Pair(i, 3).Target);
        }

        // From memory and from files, in blocks that begin anywhere.
        byte[] whole = File.ReadAllBytes(path);
        DataOptions inFile = options with { MemoryBytes = 0 };
        foreach (PairSource each in new[] { source, DataSources.OpenTraining(inFile) })
        {
            PackedContent content = each.Packed!;
            Assert.Equal(whole.Length, content.Length);
            for (int offset = 0, count = 1; offset < whole.Length; offset += count, count = (count * 2 % 61) + 1)
            {
                byte[] block = new byte[Math.Min(count, whole.Length - offset)];
                content.Read(offset, block);
                Assert.Equal(whole[offset..(offset + block.Length)], block);
            }
        }

        SourceReading.AssertSame(packed, PackedBlocks.Open(source, inFile, path));
        File.Delete(path);
    }
}
