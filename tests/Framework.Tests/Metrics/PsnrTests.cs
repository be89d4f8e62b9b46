using Distributed.Framework.Metrics;

namespace Distributed.Framework.Tests.Metrics;

/// <summary>The two definitions on numbers that can be worked out by head.</summary>
public sealed class PsnrTests
{
    [Fact]
    public void Both_EqualImages_AreTheSame()
    {
        double[] squaredErrors = [12, 12, 12];
        Assert.Equal(20, Psnr.Global(squaredErrors, 1200), 1e-12);
        Assert.Equal(20, Psnr.MeanPerImage(squaredErrors, 1200), 1e-12);
        Assert.Equal(0.01, Psnr.MeanSquaredError(squaredErrors, 1200), 1e-15);
    }

    /// <summary>Mean squared errors of 0.1 and 0.001: 10 dB and 30 dB; together 0.0505.</summary>
    [Fact]
    public void Both_UnequalImages_Differ()
    {
        double[] squaredErrors = [10, 0.1];
        Assert.Equal(20, Psnr.MeanPerImage(squaredErrors, 100), 1e-12);
        Assert.Equal(12.9670862188, Psnr.Global(squaredErrors, 100), 1e-9);
    }

    [Fact]
    public void Both_Extremes_FollowTheLogarithm()
    {
        Assert.Equal(double.PositiveInfinity, Psnr.FromMeanSquaredError(0));
        Assert.Equal(0, Psnr.FromMeanSquaredError(1));
        Assert.Equal(double.NegativeInfinity, Psnr.FromMeanSquaredError(double.PositiveInfinity));
        Assert.True(double.IsNaN(Psnr.FromMeanSquaredError(double.NaN)));
        Assert.True(double.IsNaN(Psnr.Global([1, double.NaN], 3)));
        Assert.True(double.IsNaN(Psnr.MeanPerImage([1, double.NaN], 3)));
        Assert.Equal(double.PositiveInfinity, Psnr.MeanPerImage([1, 0], 3));
        Assert.True(double.IsFinite(Psnr.Global([1, 0], 3)));
    }
}
