using System.Text;
using Distributed.Framework.Data;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Data;
using Distributed.Framework.Training;

namespace Distributed.Framework.Tests.Training;

/// <summary>Whole pictures of unlike sizes are measured as scikit-image (0.19.3) does.</summary>
public sealed class WholePicturesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Model _identity = new(new Sequential(new Conv2d(1, 1, 1)));

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// A model that does nothing has the noisy picture's figures: peak_signal_noise_ratio(clean, noisy, data_range=1)
    /// and structural_similarity(..., gaussian_weights=True, sigma=1.5, use_sample_covariance=False).
    /// </summary>
    [Fact]
    public void Evaluate_PicturesOfUnlikeSizes_IsWhatScikitImageSays()
    {
        DataOptions options = new() { Source = Folder(), Validation = Folder() };
        PairSource source = DataSources.OpenValidation(options, isWhole: true)!;
        Assert.True(WholePictures.Fit(_identity, source));
        Evaluation evaluation = WholePictures.Evaluate(_identity, new float[] { 1, 0 }, source, threads: 2);
        Assert.Equal(2, evaluation.Pictures);
        Assert.Equal(31.81176998, evaluation.PsnrMeanPerImage, 1e-4);
        Assert.Equal(31.81201241, evaluation.Psnr, 1e-4);
        Assert.Equal(31.81201241, evaluation.InputPsnr, 1e-4);
        Assert.Equal(0.91532919, evaluation.Ssim!.Value, 1e-5);
        Assert.Null(evaluation.EstimatedError);
    }

    /// <summary>Clean pictures get noise all over; an estimate is of both ways.</summary>
    [Fact]
    public void Evaluate_NoiseAndEstimates_AreOfTheWholePicture()
    {
        string clean = _folder.Write("one.pgm", Pgm(80, 96, isNoisy: false));
        DataOptions options = new() { Source = clean, Validation = clean, Noise = "gaussian:25" };
        PairSource whole = DataSources.OpenValidation(options, isWhole: true)!;
        PairSource window = DataSources.OpenValidation(options with { Crop = 64 })!;
        Assert.Equal((new ImageShape(1, 80, 96), new ImageShape(1, 64, 64)), (whole.ShapeOf(0), window.Shape));
        Evaluation evaluation = WholePictures.Evaluate(_identity, new float[] { 1, 0 }, whole, threads: 1);
        // 25 of 255, from 7,680 values: the mean square varies by 1.6 %.
        Assert.Equal(20.17, evaluation.Psnr, 0.25);

        DataOptions pairs = new() { Source = Folder(), Crop = 8, Windows = DataOptions.CoveringWindows, Holdout = 0.5 };
        PairSource held = DataSources.OpenValidation(pairs)!;
        Evaluation estimate = WholePictures.Evaluate(_identity, new float[] { 1, 0 }, held, threads: 1);
        Assert.Equal(1, estimate.Pictures);
        Assert.Equal(estimate.InputPsnrEstimated!.Value, estimate.PsnrEstimated!.Value, 1e-9);
    }

    [Fact]
    public void Fit_WindowsThatAreWholeOrClasses_AreMeasuredAsPairs()
    {
        Assert.False(WholePictures.Fit(_identity, DataSources.OpenValidation(new DataOptions())!));
        Assert.False(WholePictures.Fit(
            _identity, DataSources.OpenValidation(new DataOptions { Source = DataOptions.Disc })!));
    }

    /// <summary>Two pairs, the second smaller than a window.</summary>
    private string Folder()
    {
        Directory.CreateDirectory(_folder.File("set/a"));
        Directory.CreateDirectory(_folder.File("set/b"));
        foreach ((string name, int height, int width) in new[] { ("0.pgm", 90, 70), ("1.pgm", 40, 51) })
        {
            _folder.Write($"set/a/{name}", Pgm(height, width, isNoisy: true));
            _folder.Write($"set/b/{name}", Pgm(height, width, isNoisy: false));
        }

        return _folder.File("set");
    }

    private static byte[] Pgm(int height, int width, bool isNoisy)
    {
        byte[] pixels = new byte[height * width];
        for (int i = 0; i < pixels.Length; i++)
        {
            (int y, int x) = Math.DivRem(i, width);
            int clean = ((7 * y) + (3 * x) + (x * y % 13)) % 256;
            pixels[i] = (byte)Math.Clamp(clean + (isNoisy ? (((y * 31) + (x * 17)) % 23) - 11 : 0), 0, 255);
        }

        return [.. Encoding.ASCII.GetBytes($"P5 {width} {height} 255\n"), .. pixels];
    }
}
