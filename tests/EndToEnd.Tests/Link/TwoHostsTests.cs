using System.Diagnostics;
using System.Text;
using Xunit.Abstractions;

namespace Distributed.EndToEnd.Tests.Link;

/// <summary>A coordinator and a worker on hosts of their own, with a cable that can be cut.</summary>
public sealed class TwoHostsTests(ITestOutputHelper output) : IDisposable
{
    private readonly SmallRun _run = new();

    public void Dispose() => _run.Dispose();

    /// <summary>
    /// Goal: delay, loss and a cut cable cost time only. Method: packets take 20 ms and one in a hundred is lost; the
    /// cable is cut in mid-training until both ends have noticed, which they must within 10 s, and put back.
    /// </summary>
    [Fact]
    public async Task CableCutAndPutBack_IsNoticedWithin10Seconds_AndGivesTheLocalRunsBits()
    {
        (TwoHosts? made, string why) = TwoHosts.Make();
        if (made is null)
        {
            output.WriteLine($"Skipped: this machine does not let the test make network namespaces ({why}).");
            return;
        }

        using TwoHosts hosts = made;
        output.WriteLine(hosts.HasNetem
            ? "The cable has 20 ms of delay and 1 % of loss each way."
            : "This kernel has no netem: the cable has neither delay nor loss.");
        string[] steps = ["--steps", "200", "--checkpoint-every", "0"];
        string expected = await _run.LocalHashAsync(steps);
        string address = $"{TwoHosts.CoordinatorAddress}:{_run.Port}";
        using RunningProgram coordinator = hosts.Coordinator(
        [
            "train", "--run", _run.Run, "--listen", address, "--workers", "0", .. SmallRun.Configuration, .. steps,
        ]);
        await RunningProgram.Until(() => Task.FromResult(File.Exists(_run.TokenFile)), "a token");
        using RunningProgram worker = hosts.Worker(
            ["--join", $"https://{address}", "--token-file", _run.TokenFile, "--threads", "1", "--name", "far"]);
        await RunningProgram.Until(() => Task.FromResult(StepsDone() >= 5), "step 5");

        long cut = Stopwatch.GetTimestamp();
        hosts.Cut();
        await RunningProgram.Until(
            () => Task.FromResult(coordinator.HasExited || IsNoticed(coordinator)), "noticed by the coordinator");
        double byCoordinator = Stopwatch.GetElapsedTime(cut).TotalSeconds;
        await worker.UntilSaid("link to the coordinator");
        double byWorker = Stopwatch.GetElapsedTime(cut).TotalSeconds;
        int stepsDone = StepsDone();
        output.WriteLine($"Noticed by the coordinator after {byCoordinator:0.0} s, by the worker {byWorker:0.0} s.");
        Assert.InRange(byCoordinator, 0, 10);
        Assert.InRange(byWorker, 0, 10.5);
        Assert.InRange(stepsDone, 5, 199);

        hosts.Restore();
        long restored = Stopwatch.GetTimestamp();
        await RunningProgram.Until(() => Task.FromResult(worker.Error.Split("Joined").Length == 3), "back again");
        output.WriteLine($"Back {Stopwatch.GetElapsedTime(restored).TotalSeconds:0.0} s after the cable, "
            + $"at step {stepsDone}.\n{coordinator.Error}\n{worker.Error}");
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
    }

    private static bool IsNoticed(RunningProgram coordinator) =>
        coordinator.Error.Contains("is dropped", StringComparison.Ordinal)
        || coordinator.Error.Contains("is gone", StringComparison.Ordinal);

    private int StepsDone()
    {
        string path = Path.Combine(_run.Run, "metrics.jsonl");
        if (!File.Exists(path))
        {
            return 0;
        }

        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using StreamReader reader = new(file, Encoding.UTF8);
        return reader.ReadToEnd().Count(character => character == '\n');
    }
}
