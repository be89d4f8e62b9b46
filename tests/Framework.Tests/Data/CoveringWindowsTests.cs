using Distributed.Framework.Data;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Few large pictures: a pass has as many windows of each as have its area.</summary>
public sealed class CoveringWindowsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_UnlikePictures_GiveWindowsByTheirArea()
    {
        DataOptions options = Folder((16, 16), (8, 8), (11, 20));
        PairSource source = DataSources.OpenTraining(options);
        Assert.Equal((4 + 1 + 3, new ImageShape(1, 8, 8)), (source.Count, source.Shape));
        Assert.Contains("windows of 8 x 8, 8 a pass", source.Description!.ToString(), StringComparison.Ordinal);

        // Each picture is of one value of its own.
        Assert.Equal([1, 1, 1, 1, 2, 3, 3, 3], Enumerable.Range(0, 8).Select(i => Value(source, i)));
        Assert.Equal(5, DataSources.OpenTraining(options with { Limit = 2 }).Count);
        Assert.Equal(3, DataSources.OpenTraining(options with { Windows = null }).Count);
        Assert.Equal(source.ContentHash, DataSources.OpenTraining(options with { Windows = null }).ContentHash);
    }

    /// <summary>Windows of a picture lie at different places, others in each pass, the same in both of a pair.
    /// </summary>
    [Fact]
    public void Read_WindowsOfOnePair_DifferAndBelongTogether()
    {
        uint[] pixels = [.. Enumerable.Range(0, 64 * 64).Select(i => (uint)i)];
        string path = _folder.Write("pair.tif", new TiffWriter(64, 64, 1, 16).Write(pixels, pixels));
        PairSource source = DataSources.OpenTraining(
            new DataOptions { Source = path, Crop = 8, Windows = DataOptions.CoveringWindows });
        Assert.Equal(64, source.Count);
        HashSet<float> places = [];
        for (int epoch = 0; epoch < 2; epoch++)
        {
            for (int i = 0; i < 64; i++)
            {
                (float[] input, float[] target) = source.Pair(i, epoch);
                Assert.Equal(input, target);
                places.Add(input[0]);
            }
        }

        Assert.InRange(places.Count, 110, 128);
    }

    [Fact]
    public void WithCoveringWindows_TakesThemWhereThereAreSeveral()
    {
        DataOptions small = Folder((9, 9), (8, 8)) with { Windows = null };
        DataOptions options = small;
        PairSource one = DataSources.OpenTraining(small);
        Assert.Same(one, DataSources.WithCoveringWindows(ref options, one));
        Assert.Same(small, options);

        options = Folder((9, 9), (16, 8)) with { Windows = null };
        Assert.Equal(3, DataSources.WithCoveringWindows(ref options, DataSources.OpenTraining(options)).Count);
        Assert.Equal(DataOptions.CoveringWindows, options.Windows);

        options = options with { Windows = DataOptions.OneWindow };
        Assert.Equal(2, DataSources.WithCoveringWindows(ref options, DataSources.OpenTraining(options)).Count);
    }

    [Fact]
    public void Holdout_HoldsOutWholePictures_WithTheirWindows()
    {
        byte[] stack = new TiffWriter(16, 8, 1, 8).Write([.. Enumerable.Range(0, 8)
            .Select(page => Enumerable.Repeat((uint)(page / 2), 128).ToArray())]);
        DataOptions options = new()
        {
            Source = _folder.Write("stack.tif", stack),
            Crop = 8,
            Windows = DataOptions.CoveringWindows,
            Holdout = 0.25,
        };
        PairSource training = DataSources.OpenTraining(options);
        PairSource held = DataSources.OpenValidation(options)!;
        Assert.Equal((4, 4), (training.Count, held.Count));
        Assert.Equal([0, 0, 1, 1], Enumerable.Range(0, 4).Select(i => Value(training, i)));
        Assert.Equal([2, 2, 3, 3], Enumerable.Range(0, 4).Select(i => Value(held, i)));
        Assert.Equal(held.Pair(0, 0).Input, held.Pair(0, 5).Input);
    }

    private static int Value(PairSource source, int index) => (int)Math.Round(source.Pair(index).Input[0] * 255);

    /// <summary>Pairs of pictures of these heights and widths, the first of 1, the next of 2.</summary>
    private DataOptions Folder(params (int Height, int Width)[] sizes)
    {
        string folder = Path.GetRandomFileName();
        Directory.CreateDirectory(_folder.File(folder));
        for (int i = 0; i < sizes.Length; i++)
        {
            (int height, int width) = sizes[i];
            byte[] picture = new TiffWriter(width, height, 1, 8)
                .Write([.. Enumerable.Repeat((uint)(i + 1), height * width)]);
            _folder.Write($"{folder}/{i}_a.tif", picture);
            _folder.Write($"{folder}/{i}_b.tif", picture);
        }

        return new DataOptions { Source = _folder.File(folder), Crop = 8, Windows = DataOptions.CoveringWindows };
    }
}
