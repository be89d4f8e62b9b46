using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Data;

/// <summary>Noisy pairs alone: the last ones are kept from training, and PSNR is estimated from them.</summary>
public sealed class HeldOutTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(200, 0.05, null, 10)]
    [InlineData(100, 0.05, null, 8)]
    [InlineData(10, 0.05, null, 5)]
    [InlineData(200, 0.25, 40, 10)]
    [InlineData(3, 0.5, null, 1)]
    public void Open_Holdout_SplitsThePairs(int pairs, double share, int? limit, int held)
    {
        DataOptions options = new() { Source = Write(pairs), Holdout = share, Limit = limit };
        PairSource training = DataSources.OpenTraining(options);
        PairSource validation = DataSources.OpenValidation(options)!;
        int all = limit ?? pairs;
        Assert.Equal((all - held, held), (training.Count, validation.Count));
        Assert.Equal(First(all - held - 1), training.Pair(training.Count - 1).Input[0]);
        Assert.Equal(First(all - held), validation.Pair(0).Input[0]);
        Assert.Equal(First(all - 1), validation.Pair(held - 1).Input[0]);
        Assert.False(validation.HasCleanTargets);
        Assert.Equal(training.ContentHash, DataSources.OpenTraining(options with { Holdout = 0 }).ContentHash);
        Assert.Contains($"held out, the last {held} of {all}", validation.Description!.Pairs, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_HoldoutOfWhatHasNone_IsRefused_AndAValidationGoesBefore()
    {
        Assert.Throws<ConfigurationException>(() => DataSources.OpenTraining(new DataOptions { Holdout = 0.1 }));
        Assert.Throws<ConfigurationException>(
            () => DataSources.OpenTraining(new DataOptions { Source = Write(1), Holdout = 0.1 }));
        DataOptions named = new() { Source = Write(20), Validation = DataOptions.Synthetic, Holdout = 0.1 };
        Assert.Equal(20, DataSources.OpenTraining(named).Count);
    }

    /// <summary>
    /// A model that does nothing has the input's PSNR; with noise of deviation s both are about -20 log10(s): here
    /// s = 0.1 and 20 dB, from 20 x 256 differences, whose mean square varies by 2 %.
    /// </summary>
    [Fact]
    public void Evaluate_HeldOutPairs_EstimateTheInput()
    {
        Random random = new(3);
        byte[] data = [.. Enumerable.Range(0, 2 * 40 * 256).SelectMany(_ => BitConverter.GetBytes((float)Normal()))];
        string path = _folder.Write("noise.npy", ArrayFiles.Npy("<f4", "2, 40, 1, 16, 16", data));
        DataOptions options = new() { Source = path, Holdout = 0.5 };
        Network network = new(new Sequential(new Conv2d(1, 1, 1)));
        foreach ((Tensor parameter, _) in network.Param())
        {
            parameter.Span.Fill(parameter.Shape.Count == 1 ? 0 : 1);
        }

        Evaluation evaluation = network.Evaluate(DataSources.OpenValidation(options)!);
        Assert.Equal(20, evaluation.InputPsnrEstimated!.Value, 0.3);
        Assert.Equal(20, evaluation.PsnrEstimated!.Value, 0.3);

        double Normal() => 0.5
            + (0.1 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
    }

    /// <summary>Clean pictures: what is held out gets noise once, and is measured against the clean image.</summary>
    [Fact]
    public void Open_CleanPictures_HoldOutCleanTargets()
    {
        string path = _folder.Write(
            "clean.npy",
            ArrayFiles.Npy("|u1", "40, 1, 1, 2", [.. Enumerable.Range(0, 80).Select(i => (byte)(i / 2))]));
        DataOptions options = new() { Source = path, Noise = "bernoulli:0.5" };
        PairSource training = DataSources.OpenTraining(options);
        options = DataSources.WithHoldout(options, training);
        Assert.Equal(DataOptions.StandardHoldout, options.Holdout);
        PairSource rest = DataSources.OpenTraining(options, training);
        PairSource held = DataSources.OpenValidation(options, training)!;
        Assert.Equal((32, 8), (rest.Count, held.Count));
        Assert.True(rest is { MasksTargets: true, HasCleanTargets: false });
        Assert.True(held is { MasksTargets: false, HasCleanTargets: true });
        Assert.Equal(Enumerable.Range(32, 8).Select(First), Enumerable.Range(0, 8).Select(i => held.Pair(i).Target[0]));
        Assert.Equal(held.Pair(3, 0).Input, held.Pair(3, 9).Input);
        Assert.Equal(training.ContentHash, rest.ContentHash);
    }

    /// <summary>One large pair: 32 of its rows, 8 windows, are held out, and no training window sees them.
    /// </summary>
    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public void Open_FewLargePictures_HoldOutTheirLowestRows(int? limit)
    {
        const int Rows = 240;
        uint[] page = [.. Enumerable.Range(0, Rows * 16).Select(i => (uint)(i / 16))];
        DataOptions options = new()
        {
            Source = _folder.Write("pair.tif", new TiffWriter(16, Rows, 1, 8).Write(page, page)),
            Crop = 8,
            Limit = limit,
        };
        PairSource training = DataSources.WithCoveringWindows(ref options, DataSources.OpenTraining(options));
        Assert.Equal(60, training.Count);
        options = DataSources.WithHoldout(options, training);
        PairSource rest = DataSources.OpenTraining(options, training);
        PairSource held = DataSources.OpenValidation(options, training)!;
        Assert.Equal((52, 8), (rest.Count, held.Count));
        Assert.Equal(training.ContentHash, rest.ContentHash);
        Assert.NotEqual(training.ContentHash, held.ContentHash);
        Assert.False(held.HasCleanTargets);
        int[] lowest = [.. Enumerable.Range(0, 52 * 20).Select(i => Row(rest, i % 52, i / 52))];
        Assert.InRange(lowest.Max(), Rows - 32 - 16, Rows - 32 - 1);
        int[] highest = [.. Enumerable.Range(0, 8).Select(i => Row(held, i, 0) - 7)];
        Assert.InRange(highest.Min(), Rows - 32, Rows - 8);
        Assert.Contains("held out, the lowest 32 rows of each", held.Description!.ToString(), StringComparison.Ordinal);
        Assert.Contains("52 a pass", rest.Description!.ToString(), StringComparison.Ordinal);

        static int Row(PairSource source, int index, int epoch) =>
            (int)Math.Round(source.Pair(index, epoch).Input.Max() * 255);
    }

    [Fact]
    public void WithHoldout_TakesNothingWhereThereIsOtherValidationOrTooLittle()
    {
        AssertShare(0, new DataOptions { Source = Write(31) });
        AssertShare(0.05, new DataOptions { Source = Write(32) });
        AssertShare(0, new DataOptions { Source = Write(100), Limit = 20 });
        AssertShare(0.3, new DataOptions { Source = Write(100), Holdout = 0.3 });
        AssertShare(0, new DataOptions { Source = Write(100), Holdout = 0 });
        AssertShare(null, new DataOptions { Source = Write(100), Validation = DataOptions.Synthetic });
        AssertShare(null, new DataOptions());
        AssertShare(null, new DataOptions { Source = DataOptions.Disc });

        static void AssertShare(double? share, DataOptions options) =>
            Assert.Equal(share, DataSources.WithHoldout(options, DataSources.OpenTraining(options)).Holdout);
    }

    private static float First(int pair) => (float)(pair % 251 / 255.0);

    /// <summary>Pairs of 1 x 2 pixels, whose first one is their number.</summary>
    private string Write(int pairs) => _folder.Write(
        "pairs.npy",
        ArrayFiles.Npy(
            "|u1",
            $"2, {pairs}, 1, 1, 2",
            [.. Enumerable.Range(0, 4 * pairs).Select(i => (byte)(i / 2 % pairs % 251))]));
}
