using System.Buffers.Binary;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Sources as options name them.</summary>
public sealed class DataSourcesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OpenTraining_Synthetic_IsTheStandardSet()
    {
        PairSource training = DataSources.OpenTraining(new DataOptions());
        PairSource? validation = DataSources.OpenValidation(new DataOptions());

        Assert.Equal((50_000, new ImageShape(3, 32, 32)), (training.Count, training.Shape));
        Assert.False(training.HasCleanTargets);
        Assert.NotNull(validation);
        Assert.Equal((1_000, training.Shape, true), (validation.Count, validation.Shape, validation.HasCleanTargets));
        Assert.NotEqual(training.ContentHash, validation.ContentHash);
        Assert.Equal(64, training.ContentHash.Length);
    }

    [Fact]
    public void Read_SyntheticTraining_GivesTwoIndependentNoisyCopies()
    {
        PairSource source = DataSources.OpenTraining(new DataOptions());
        double product = 0;
        double square = 0;
        for (int index = 0; index < 100; index++)
        {
            (float[] input, float[] target) = Read(source, index, 0);
            (float[] later, _) = Read(source, index, 1);
            for (int i = 0; i < input.Length; i++)
            {
                // The clean image drops out of both differences; only noise is left.
                product += (input[i] - target[i]) * (input[i] - later[i]);
                square += (input[i] - target[i]) * (input[i] - target[i]);
            }
        }

        double variance = 25 / 255.0 * (25 / 255.0);
        Assert.Equal(2 * variance, square / (100 * 3072), 1e-3 * 2);
        Assert.Equal(variance, product / (100 * 3072), 2e-3);
    }

    [Fact]
    public void Read_SyntheticValidation_NeverChanges()
    {
        PairSource first = DataSources.OpenValidation(new DataOptions())!;
        PairSource second = DataSources.OpenValidation(new DataOptions { Seed = 9 })!;

        (float[] input, float[] target) = Read(first, 7, 0);

        Assert.Equal(Whole(first, 7, 0), Whole(first, 7, 3));
        Assert.Equal(Whole(first, 7, 0), Whole(second, 7, 0));
        Assert.All(target, value => Assert.Equal(MathF.Round(value * 255) / 255, value));
        Assert.Equal(20.2, -10 * Math.Log10(input.Zip(target).Average(p => Math.Pow(p.First - p.Second, 2))), 0.5);
    }

    [Fact]
    public void Read_FixedOrOtherSeed_BehavesSo()
    {
        PairSource source = DataSources.OpenTraining(new DataOptions { NoiseFixed = true });
        PairSource other = DataSources.OpenTraining(new DataOptions { NoiseFixed = true, Seed = 1 });

        Assert.Equal(Whole(source, 5, 0), Whole(source, 5, 4));
        Assert.NotEqual(Read(source, 5, 0).Input, Read(other, 5, 0).Input);
    }

    [Fact]
    public void OpenTraining_SyntheticResampled_KeepsTheStandardShape()
    {
        PairSource source = DataSources.OpenTraining(new DataOptions { Noise = "resample:2" });

        Assert.Equal(new ImageShape(3, 32, 32), source.Shape);
        (float[] input, float[] target) = Read(source, 3, 0);
        Assert.NotEqual(input, target);
    }

    [Theory]
    [InlineData("tiny_zip.pkl", 16, 32)]
    [InlineData("tiny_legacy.pkl", 16, 32)]
    public void OpenTraining_CourseFile_GivesItsPairs(string name, int count, int side)
    {
        DataOptions options = new() { Source = TestFiles.Path(name), Validation = TestFiles.Path(name) };
        PairSource training = DataSources.OpenTraining(options);
        PairSource? validation = DataSources.OpenValidation(options);

        Assert.Equal((count, new ImageShape(3, side, side)), (training.Count, training.Shape));
        Assert.True(validation!.HasCleanTargets);
        Assert.False(training.HasCleanTargets);
        Assert.Equal(Whole(training, 2, 0), Whole(validation, 2, 5));
        Assert.All(Read(training, 0, 0).Input, value => Assert.Equal(MathF.Round(value * 255) / 255, value));
        Assert.Null(DataSources.OpenValidation(new DataOptions { Source = TestFiles.Path(name) }));
    }

    [Fact]
    public void ContentHash_SameTensorsInAnotherFormat_IsTheSame()
    {
        DataOptions zipped = new() { Source = TestFiles.Path("tiny_zip.pkl") };
        DataOptions old = new() { Source = TestFiles.Path("tiny_legacy.pkl") };
        string zip = DataSources.OpenTraining(zipped).ContentHash;
        string legacy = DataSources.OpenTraining(old).ContentHash;

        Assert.Equal(zip, legacy);
    }

    [Theory]
    [InlineData("tiny_views.pkl", "partner")]
    [InlineData("tiny_not_a_pair.pkl", "a list of 2")]
    public void OpenTraining_WrongTensors_SaysWhatWasFound(string name, string found)
    {
        DataException fault = Assert.Throws<DataException>(
            () => DataSources.OpenTraining(new DataOptions { Source = TestFiles.Path(name) }));

        Assert.Contains(found, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenTraining_FloatTensorWithNaN_NamesTheElement()
    {
        byte[] bytes = new byte[2 * 4 * 4];
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * 6), float.NaN);
        string tensor = PickleBytes.Tensor("FloatStorage", "0", 8, 0, [2, 1, 2, 2], [4, 4, 2, 1]);
        string path = _folder.Write("nan", PickleBytes.Zip(tensor + "2\\x86", [("0", bytes)]));

        DataException fault = Assert.Throws<DataException>(
            () => DataSources.OpenTraining(new DataOptions { Source = path }));

        Assert.Contains("[1, 0, 1, 0] is NaN", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FloatAndShortTensors_FollowTypeAndRange()
    {
        byte[] shorts = [0, 0, 0xFF, 0x7F, 0, 0x40, 100, 0];
        string tensor = PickleBytes.Tensor("ShortStorage", "0", 4, 0, [1, 1, 2, 2], [4, 4, 2, 1]);
        string path = _folder.Write("shorts", PickleBytes.Zip(tensor + "2\\x86", [("0", shorts)]));

        Assert.Equal(1f, Read(DataSources.OpenTraining(new DataOptions { Source = path }), 0, 0).Input[1]);
        DataOptions ranged = new() { Source = path, RangeLow = 0, RangeHigh = 200 };
        Assert.Equal(0.5f, Read(DataSources.OpenTraining(ranged), 0, 0).Target[3]);
    }

    [Fact]
    public void OpenTraining_Folder_CropsTheSameWindowFromBoth()
    {
        WritePng("b.png", 70, 80, 3);
        WritePng("a.png", 100, 66, 3);
        WritePng("notes.txt", 1, 1, 1);
        DataOptions options = new() { Source = _folder.Path, Noise = "gaussian:1" };
        PairSource source = DataSources.OpenTraining(options);
        PairSource again = DataSources.OpenValidation(options with { Validation = _folder.Path })!;

        Assert.Equal((2, new ImageShape(3, 64, 64)), (source.Count, source.Shape));
        (float[] input, float[] target) = Read(source, 0, 0);
        Assert.All(input.Zip(target), pair => Assert.Equal(pair.First, pair.Second, 0.05));
        HashSet<int> windows =
            [.. Enumerable.Range(0, 20).Select(epoch => (int)(Read(source, 0, epoch).Input[0] * 200))];
        Assert.InRange(windows.Count, 5, 20);
        Assert.Equal(Whole(again, 1, 0), Whole(again, 1, 9));
        Assert.Equal(8, DataSources.OpenTraining(options with { Crop = 8 }).Shape.H);
        Assert.Throws<DataException>(() => DataSources.OpenTraining(options with { Crop = 67 }));
    }

    [Fact]
    public void OpenTraining_WrongOptions_SayWhatToDo()
    {
        WritePng("a.png", 8, 8, 1);
        string pairs = TestFiles.Path("tiny_zip.pkl");

        string remedy = Refused(new DataOptions { Source = _folder.Path }).Remedy;
        Assert.Contains("noise gaussian", remedy, StringComparison.Ordinal);
        Refused(new DataOptions { Source = pairs, Noise = "gaussian:25" });
        Refused(new DataOptions { Source = pairs, NoiseFixed = true });
        Refused(new DataOptions { Limit = 0 });
        Refused(new DataOptions { Crop = 0 });
        Refused(new DataOptions { RangeLow = 0, RangeHigh = 1 });
        Refused(new DataOptions { Source = pairs, RangeLow = 5 });
        Refused(new DataOptions { Source = pairs, RangeLow = 5, RangeHigh = 5 });
        Refused(new DataOptions { Noise = "sepia" });
    }

    [Fact]
    public void OpenTraining_MissingOrEmptyOrMixed_IsADataFault()
    {
        Directory.CreateDirectory(_folder.File("empty"));
        _folder.Write("text", "hello"u8.ToArray());
        foreach (string name in new[] { "missing", "empty", "text" })
        {
            DataOptions options = new() { Source = _folder.File(name), Noise = "gaussian:25" };
            DataException fault = Assert.Throws<DataException>(() => DataSources.OpenTraining(options));
            Assert.Contains(_folder.File(name), fault.Message, StringComparison.Ordinal);
        }

        WritePng("a.png", 8, 8, 1);
        WritePng("b.png", 8, 8, 3);
        Assert.Throws<DataException>(
            () => DataSources.OpenTraining(new DataOptions { Source = _folder.Path, Noise = "gaussian:25" }));
    }

    [Fact]
    public void OpenTraining_Limited_KeepsTheFirst()
    {
        PairSource all = DataSources.OpenTraining(new DataOptions());
        PairSource few = DataSources.OpenTraining(new DataOptions { Limit = 3 });

        Assert.Equal(3, few.Count);
        Assert.Equal(Whole(all, 2, 1), Whole(few, 2, 1));
        Assert.Equal(all.ContentHash, few.ContentHash);
    }

    [Theory]
    [InlineData("synthetic", "gaussian:25")]
    [InlineData("synthetic", "resample:2")]
    [InlineData("tiny_zip.pkl", null)]
    public void Read_ManyThreads_AgreeAndAllocateNothing(string name, string? noise)
    {
        string path = name == "synthetic" ? name : TestFiles.Path(name);
        PairSource source = DataSources.OpenTraining(new DataOptions { Source = path, Noise = noise, Limit = 16 });
        float[][] read = new float[4][];
        long[] allocated = new long[4];

        Thread[] threads = [.. Enumerable.Range(0, 4).Select(t => new Thread(() =>
        {
            read[t] = [.. Enumerable.Range(0, 16).SelectMany(index => Whole(source, index, 1))];
            (float[] input, float[] target) = Read(source, 0, 1);
            allocated[t] = Allocation.Of(() =>
            {
                for (int index = 0; index < 16; index++)
                {
                    source.Read(index, 2, input, target);
                }
            });
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.All(allocated, bytes => Assert.Equal(0, bytes));
        Assert.All(read, pairs => Assert.Equal(read[0], pairs));
    }

    private static ConfigurationException Refused(DataOptions options) =>
        Assert.Throws<ConfigurationException>(() => DataSources.OpenTraining(options));

    private static float[] Whole(PairSource source, int index, int epoch)
    {
        (float[] input, float[] target) = Read(source, index, epoch);
        return [.. input, .. target];
    }

    private static (float[] Input, float[] Target) Read(PairSource source, int index, int epoch)
    {
        float[] input = new float[source.Shape.Elements];
        float[] target = new float[source.Shape.Elements];
        source.Read(index, epoch, input, target);
        return (input, target);
    }

    private void WritePng(string name, int width, int height, int channels)
    {
        byte[] pixels = [.. Enumerable.Range(0, width * height * channels).Select(i => (byte)(i * i / 17))];
        using FileStream stream = File.Create(_folder.File(name));
        PngEncoder.Encode(new PngImage(width, height, channels, pixels), stream);
    }
}
