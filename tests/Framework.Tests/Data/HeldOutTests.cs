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

    private static float First(int pair) => (float)(pair % 251 / 255.0);

    /// <summary>Pairs of 1 x 2 pixels, whose first one is their number.</summary>
    private string Write(int pairs) => _folder.Write(
        "pairs.npy",
        ArrayFiles.Npy(
            "|u1",
            $"2, {pairs}, 1, 1, 2",
            [.. Enumerable.Range(0, 4 * pairs).Select(i => (byte)(i / 2 % pairs % 251))]));
}
