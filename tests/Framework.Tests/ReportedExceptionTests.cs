using Distributed.Framework.Data;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests;

/// <summary>Whoever uses the library has no command line: its messages name settings, a program's options.</summary>
public sealed class ReportedExceptionTests
{
    [Theory]
    [InlineData("--range 0:4 is no interval.", "range 0:4 is no interval.")]
    [InlineData("Leave --noise and --noise-fixed out.", "Leave noise and noise-fixed out.")]
    [InlineData("Add a noise model (--noise gaussian:25).", "Add a noise model (noise gaussian:25).")]
    [InlineData("a/--b/c--d.tif is damaged - or -- so.", "a/--b/c--d.tif is damaged - or -- so.")]
    public void Message_OfASetting_HasNoDashes(string text, string plain)
    {
        ConfigurationException fault = new(text, text);
        Assert.Equal((plain, plain), (fault.Message, fault.Remedy));
        Assert.Equal((text, text), fault.CommandLine);
    }

    [Fact]
    public void OpenTraining_WrongOptions_SpeaksOfSettings()
    {
        DataOptions[] wrong =
        [
            new() { Holdout = 0.1 }, new() { Limit = 0 }, new() { Crop = 0 }, new() { RangeLow = 1 },
            new() { Noise = "snow" }, new() { Source = DataOptions.Disc, Noise = "gaussian:25" },
        ];
        foreach (DataOptions options in wrong)
        {
            ConfigurationException fault =
                Assert.Throws<ConfigurationException>(() => DataSources.OpenTraining(options));
            Assert.DoesNotContain("--", fault.Message + fault.Remedy, StringComparison.Ordinal);
            Assert.Contains("--", fault.CommandLine.Cause + fault.CommandLine.Remedy, StringComparison.Ordinal);
        }
    }
}
