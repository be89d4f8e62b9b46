using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>
/// Stacks as ImageJ and OME write them: pairs are frames along time. The files are tifffile's (2023.2.3), of 4 frames,
/// 2 slices and 3 channels of 3 x 2 pixels; each value is 1000 t + 100 z + 10 c + 2 y + x.
/// </summary>
public sealed class StackTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("stack_imagej.tif")]
    [InlineData("stack_ome.ome.tif")]
    public void Open_Hyperstack_PairsFramesAtEachSliceWithChannelsTogether(string name)
    {
        PairSource source = Open(TestFiles.Path(name));
        Assert.Equal((4, new ImageShape(3, 3, 2)), (source.Count, source.Shape));
        for (int i = 0; i < 4; i++)
        {
            (int frame, int slice) = (i / 2 * 2, i % 2);
            (float[] input, float[] target) = source.Pair(i);
            Assert.Equal(Values(frame, slice), input);
            Assert.Equal(Values(frame + 1, slice), target);
        }

        Assert.Equal(
            "pairs are frames 2k and 2k+1 at each of 2 slices, 3 channels together", source.Description!.Pairs);
        Assert.Equal("3 x 3 x 2", source.Description.Shape);
    }

    [Fact]
    public void Open_NextPairs_TakesEveryFrameTwice()
    {
        PairSource source = Open(TestFiles.Path("stack_imagej.tif"), DataOptions.NextPairs);
        Assert.Equal(6, source.Count);
        (float[] input, float[] target) = source.Pair(3);
        Assert.Equal(Values(1, 1), input);
        Assert.Equal(Values(2, 1), target);
        Assert.Contains("k and k+1", source.Description!.Pairs, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_OneDirectoryForAllPlanes_ReadsThemAll()
    {
        PairSource source = Open(TestFiles.Path("stack_one_directory.tif"));
        Assert.Equal((3, new ImageShape(1, 3, 2)), (source.Count, source.Shape));
        Assert.Equal(Values(4, 0, channels: 1), source.Pair(2).Input);
        Assert.Equal(Values(5, 0, channels: 1), source.Pair(2).Target);
    }

    [Fact]
    public void Open_CleanHyperstack_IsImagesOfItsChannels()
    {
        float[][] images = SourceReading.Clean(
            TestFiles.Path("stack_imagej.tif"), new DataOptions { RangeLow = 0, RangeHigh = 1000 });
        Assert.Equal(8, images.Length);
        Assert.Equal(Values(1, 1), images[3]);
    }

    [Theory]
    [InlineData("ImageJ=1.54f\nimages=4\nchannels=4\nhyperstack=true\n", "4 channels, 1 slices and 1 frames")]
    [InlineData("ImageJ=1.54f\nimages=4\nslices=4\nhyperstack=true\n", "1 channels, 4 slices and 1 frames")]
    [InlineData("<OME><Pixels SizeC='2' SizeZ='2' SizeT='1' DimensionOrder='XYZCT'/></OME>", "2 channels, 2 slices")]
    public void Open_StackWithoutTime_IsRefusedWithItsAxes(string description, string axes)
    {
        string path = _folder.Write("stack.tif", Stack(description));
        DataException fault = Assert.Throws<DataException>(() => Open(path));
        Assert.Contains(axes, fault.Message, StringComparison.Ordinal);
        Assert.Contains("along time", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ImageJ=1.54f\nimages=5\nframes=5\nhyperstack=true\n")]
    [InlineData("ImageJ=1.54f\nimages=4\nframes=3\nhyperstack=true\n")]
    [InlineData("<OME><Pixels SizeC='2' SizeZ='2' SizeT='7' DimensionOrder='XYZCT'/></OME>")]
    [InlineData("ImageJ=1.54f\nimages=99999999\nframes=99999999\nhyperstack=true\n")]
    public void Open_AxesThatAreNotThePlanes_AreDamage(string description)
    {
        string path = _folder.Write("stack.tif", Stack(description));
        Assert.Contains(
            "damaged", Assert.Throws<DataException>(() => Open(path)).Message, StringComparison.Ordinal);
    }

    /// <summary>ImageJ calls the only axis of an ordinary stack slices, whatever it is.</summary>
    [Theory]
    [InlineData("ImageJ=1.54f\nimages=4\nslices=4\n", "planes (which ImageJ calls slices) 2k and 2k+1")]
    [InlineData("something else", "pages 2k and 2k+1")]
    public void Open_OrdinaryStack_PairsItsPlanes(string description, string pairs)
    {
        PairSource source = Open(_folder.Write("stack.tif", Stack(description)));
        Assert.Equal(2, source.Count);
        Assert.Equal([0.2f, 0.2f], source.Pair(1).Input);
        Assert.Equal($"pairs are {pairs}", source.Description!.Pairs);
    }

    [Fact]
    public void Open_PairsOfWhatHasNoFrames_AreRefused()
    {
        string path = _folder.Write("one.tif", new TiffWriter(2, 1, 1, 8).Write([1, 2]));
        Assert.Throws<DataException>(() => Open(path, DataOptions.NextPairs));
        Assert.Throws<ConfigurationException>(
            () => DataSources.OpenTraining(new DataOptions { Pairs = DataOptions.NextPairs }));
        Assert.Throws<ConfigurationException>(
            () => Open(TestFiles.Path("clean_first.npz"), DataOptions.NextPairs));
    }

    [Fact]
    public void Open_NamedArrays_AreInputsAndTargetsByTheirNames()
    {
        PairSource source = DataSources.OpenTraining(
            new DataOptions { Source = TestFiles.Path("clean_first.npz"), RangeLow = 0, RangeHigh = 10 });
        Assert.Equal([0.4f, 0.5f, 0.6f, 0.7f], source.Pair(1).Input);
        Assert.Equal([0.7f, 0.7f, 0.7f, 0.7f], source.Pair(1).Target);
        Assert.Equal("pairs are the arrays named noisy and clean", source.Description!.Pairs);
    }

    /// <summary>X and Y of [2, 3, 5, 1], counting up in hundredths, with axes SYXC.</summary>
    [Fact]
    public void Open_ArraysOfCsbDeep_HaveTheirAxes()
    {
        PairSource source = DataSources.OpenTraining(new DataOptions { Source = TestFiles.Path("csbdeep.npz") });
        Assert.Equal((2, new ImageShape(1, 3, 5)), (source.Count, source.Shape));
        Assert.Equal(0.15f, source.Pair(1).Input[0]);
        Assert.Equal(0.45f, source.Pair(1).Target[0]);
    }

    [Fact]
    public void Open_FilesThatMacOsLeaves_ArePassedOver_AndFoldersBelowAreNamed()
    {
        byte[] picture = new TiffWriter(2, 1, 1, 8).Write([1, 2]);
        Directory.CreateDirectory(_folder.File("noisy"));
        Directory.CreateDirectory(_folder.File("clean"));
        _folder.Write("noisy/x.tif", picture);
        _folder.Write("noisy/._x.tif", [0, 5, 22, 7]);
        _folder.Write("clean/x.tif", picture);
        Assert.Single(SourceReading.Clean(_folder.File("noisy")));

        DataException fault = Assert.Throws<DataException>(() => SourceReading.Training(_folder.Path));
        Assert.Contains("clean (1 pictures), noisy (1 pictures)", fault.Message, StringComparison.Ordinal);
    }

    private static PairSource Open(string path, string? pairs = null) => DataSources.OpenTraining(
        new DataOptions { Source = path, Pairs = pairs, RangeLow = 0, RangeHigh = 1000 });

    private static byte[] Stack(string description) => new TiffWriter(2, 1, 1, 16) { Description = description }
        .Write([0, 0], [100, 100], [200, 200], [300, 300]);

    private static float[] Values(int frame, int slice, int channels = 3) =>
    [
        .. Enumerable.Range(0, channels * 6)
            .Select(i => (float)(((1000 * frame) + (100 * slice) + (10 * (i / 6)) + (i % 6)) / 1000.0)),
    ];
}
