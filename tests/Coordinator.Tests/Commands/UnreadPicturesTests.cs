using Distributed.Coordinator.Actors;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>Pictures of a format that is not read are mentioned by every command that passes them over.</summary>
public sealed class UnreadPicturesTests : IDisposable
{
    private const string Line = "pictures that are not read are passed over: 1 .jpg. Convert them to PNG";
    private readonly CommandRunner _runner = new();
    private readonly TinyRun _run = new();

    public UnreadPicturesTests()
    {
        _run.WritePng("photos/a.png");
        File.WriteAllBytes(_run["photos", "b.jpg"], [0xFF, 0xD8, 0xFF]);
    }

    [Fact]
    public async Task Train_SaysSoInOneLine()
    {
        _runner.Train = TrainSession.RunAsync;
        int code = await _runner.RunAsync(
            "--data", _run["photos"], "--noise", "gaussian:25", "--model", TinyRun.ModelName, "--steps", "1", "--run",
            _run["trained"], "--workers", "1");
        Assert.True(code == ExitCodes.Done, _runner.Error);
        Assert.Single(_runner.Output.Split('\n'), line => line.Contains(Line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Evaluate_SaysSoInOneLine()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(
            "evaluate", "--run", _run.Run, "--data", _run["photos"], "--noise", "gaussian:25"));
        Assert.Single(_runner.Output.Split('\n'), line => line.Contains(Line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Denoise_SaysSoInOneLine_OrWhyItRefuses()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("denoise", "--run", _run.Run, _run["photos"], _run["out"]));
        Assert.Single(_runner.Output.Split('\n'), line => line.Contains(Line, StringComparison.Ordinal));
        File.Delete(_run["photos", "a.png"]);
        Assert.Equal(
            ExitCodes.BadInput, await _runner.RunAsync("denoise", "--run", _run.Run, _run["photos"], _run["none"]));
        Assert.Contains("1 .jpg", _runner.Error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _runner.Dispose();
        _run.Dispose();
    }
}
