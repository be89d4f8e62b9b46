using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands.Display;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>What a run looks like in a file and on a terminal.</summary>
public sealed class DisplayTests : IDisposable
{
    private static readonly Evaluation s_evaluation = new(0.001, 27.5, 28.25, 20.25);
    private readonly StringWriter _writer = new();
    private readonly ManualClock _clock = new();

    public void Dispose() => _writer.Dispose();

    [Fact]
    public void Lines_ComeEveryThreeSeconds_AndAtTheEnd()
    {
        using (LineDisplay display = new(_writer, _clock))
        {
            display.Note("Run folder runs/x");
            for (int step = 1; step <= 81; step++)
            {
                display.OnStep(Progress(step));
                _clock.Advance(TimeSpan.FromMilliseconds(100));
            }
        }

        string[] lines = _writer.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            [
                "Run folder runs/x",
                "step 1/1000  loss 0.012500  PSNR -  512 images/s  3 workers  ETA -",
                "step 31/1000  loss 0.012500  PSNR -  512 images/s  3 workers  ETA 1m 36s",
                "step 61/1000  loss 0.012500  PSNR -  512 images/s  3 workers  ETA 1m 33s",
                "step 81/1000  loss 0.012500  PSNR -  512 images/s  3 workers  ETA 1m 31s",
            ],
            lines);
    }

    [Fact]
    public void Lines_OfValidations_ComeEveryThreeSecondsToo()
    {
        using LineDisplay display = new(_writer, _clock);
        for (int step = 1; step <= 40; step++)
        {
            display.OnValidated(step, s_evaluation);
            _clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        string[] lines = _writer.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Collection(
            lines,
            line => Assert.StartsWith("Validated after step 1:", line, StringComparison.Ordinal),
            line => Assert.StartsWith("Validated after step 31:", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Lines_NameBothDefinitionsOfPsnr()
    {
        using LineDisplay display = new(_writer, _clock);
        display.OnValidated(7, s_evaluation);
        display.OnStep(Progress(8));

        string text = _writer.ToString();
        Assert.Contains("27.50 dB over the global error, 28.25 dB mean per image", text, StringComparison.Ordinal);
        Assert.Contains("step 8/1000  loss 0.012500  PSNR 27.50 dB", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Table_ShowsTheLastStep_WithNotesAbove(bool noColor)
    {
        using (LiveDisplay display = new(_writer, _clock, noColor))
        {
            display.Note("Run folder [runs/x]");
            display.OnStep(Progress(1));
            display.OnStep(Progress(2));
            Assert.DoesNotContain("2/1000", _writer.ToString(), StringComparison.Ordinal);
            _clock.Advance(TimeSpan.FromSeconds(1));
            display.OnStep(Progress(3));
            display.Note("worker 2 was lost");
            display.OnValidated(3, s_evaluation);
            display.OnStep(Progress(4));
        }

        string text = _writer.ToString();
        Assert.Contains("Run folder [runs/x]", text, StringComparison.Ordinal);
        Assert.Contains("3/1000", text, StringComparison.Ordinal);
        Assert.Contains("worker 2 was lost", text, StringComparison.Ordinal);
        Assert.True(
            text.LastIndexOf("4/1000", StringComparison.Ordinal) > text.IndexOf("was lost", StringComparison.Ordinal));
        Assert.Contains("27.50 dB", text, StringComparison.Ordinal);
        Assert.Contains("images/s", text, StringComparison.Ordinal);
        Assert.Equal(!noColor, System.Text.RegularExpressions.Regex.IsMatch(text, "\x1b\\[[0-9;]*m"));
    }

    /// <summary>Long numbers: no line is wider than the 80 columns of a terminal that says nothing else.</summary>
    [Fact]
    public void Table_OfALongRun_FitsInto80Columns()
    {
        using (LiveDisplay display = new(_writer, _clock, noColor: true))
        {
            display.OnValidated(3, new Evaluation(0.001, 27.5, 28.25, 20.25) { EstimatedError = 0.001 });
            display.OnStep(new StepProgress(1_234_567, 3_906_250, 1234.56, 0.0125, 123456.7, 256, 123_456));
        }

        string[] lines = _writer.ToString().Split('\n');
        Assert.Contains(lines, line => line.Contains("1234567/3906250", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("~30.00 dB", StringComparison.Ordinal));
        string[] drawn = [.. lines.Where(line => line.Contains('\u2502', StringComparison.Ordinal))];
        Assert.All(drawn, line => Assert.Matches("step|1234567/3906250", line)); // None is the rest of another.
        Assert.All(drawn, line => Assert.InRange(
            System.Text.RegularExpressions.Regex.Replace(line, "\x1b\\[[0-9;?]*[a-zA-Z]|\r", "").Length, 40, 80));
    }

    [Fact]
    public void Table_WithoutAnyStep_DrawsNothing()
    {
        new LiveDisplay(_writer, _clock, noColor: true).Dispose();
        Assert.Equal("", _writer.ToString());
    }

    [Theory]
    [InlineData(0.4, "0s")]
    [InlineData(59, "59s")]
    [InlineData(61, "1m 01s")]
    [InlineData(3 * 3600 + 120, "3h 02m")]
    [InlineData(86400 * 2 + 3600, "2d 01h")]
    public void TimeLeft_IsShort(double seconds, string expected) =>
        Assert.Equal(expected, ProgressText.Left(TimeSpan.FromSeconds(seconds)));

    private static StepProgress Progress(int step) => new(step, 1000, 0.5, 0.0125, 512.4, 3, 0);

    /// <summary>A clock that goes when told.</summary>
    private sealed class ManualClock : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan time) => _ticks += time.Ticks;
    }
}
