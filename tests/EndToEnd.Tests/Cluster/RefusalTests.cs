using System.Net;
using Distributed.Framework.Data;
using Distributed.Framework.Training;
using Distributed.Worker;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>What the worker program does when it and its coordinator do not belong together.</summary>
public sealed class RefusalTests
{
    private static readonly DataOptions s_synthetic = new() { Limit = 32 };

    [Theory]
    [InlineData("0.0.9", null)]
    [InlineData(null, "other bits")]
    public async Task OtherVersionOrArithmetic_EndsTheProgramWithItsOwnCode(string? version, string? numerics)
    {
        await using ServedRun run = await ServedRun.StartAsync(
            s_synthetic,
            version: version ?? WorkerProgram.Version,
            numerics: numerics ?? NumericsFingerprint.Compute());
        using RunningProgram worker = Worker(run);
        Assert.True(await worker.ExitCodeAsync() == 5, worker.Error);
        Assert.Contains((version ?? numerics)!, worker.Error, StringComparison.Ordinal);
        Assert.Contains("same version", worker.Error, StringComparison.Ordinal);
    }

    /// <summary>Of a certificate only the key counts, whose hash the token has; here it is 30 years old.</summary>
    [Fact]
    public async Task Certificate_CountsAsItsKeySays()
    {
        await using ServedRun run = await ServedRun.StartAsync(
            s_synthetic,
            version: WorkerProgram.Version,
            numerics: NumericsFingerprint.Compute(),
            address: IPAddress.Any,
            firstStart: DateTimeOffset.UtcNow.AddYears(-30));
        Assert.True(run.Secrets.Certificate.NotAfter < DateTime.Now);
        using RunningProgram worker = Worker(run);
        await RunningProgram.Until(
            () => Task.FromResult(worker.HasExited || run.WorkersReady == 1), "a worker");
        Assert.False(worker.HasExited, worker.Error);
        RunningProgram.Signal(worker.Id, "-TERM");
        Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
    }

    private static RunningProgram Worker(ServedRun run) => new(
        "worker",
        ["--join", $"localhost:{run.Port}", "--token-file", run.Secrets.JoinFile, "--threads", "1"],
        environment: null);
}
