using System.Diagnostics;
using System.Globalization;
using Distributed.EndToEnd.Tests.Harness;
using Xunit.Abstractions;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>A coordinator and workers on hosts of their own: who can reach whom, and what cuts do.</summary>
public sealed class HostsTests : IDisposable
{
    private const int Port = 5500;
    private static readonly string[] s_few = ["--steps", "40", "--checkpoint-every", "0"];
    private static readonly string[] s_steps = ["--steps", "400", "--checkpoint-every", "0"];
    private readonly ITestOutputHelper _output;
    private readonly SmallRun _run = new();
    private readonly Hosts? _made;
    private readonly string _why;
    private readonly List<RunningProgram> _programs = [];

    public HostsTests(ITestOutputHelper output)
    {
        _output = output;
        (_made, _why) = Hosts.Make(3);
    }

    private static string Coordinator => $"{Hosts.Address(0)}:{Port}";

    public void Dispose()
    {
        _programs.ForEach(program => program.Dispose());
        _made?.Dispose();
        _run.Dispose();
    }

    /// <summary>
    /// A worker behind a wall that lets no connection in takes part as a peer, for good; doctor says so before.
    /// </summary>
    [FactWith(Need.Namespaces)]
    public Task Worker_ThatCannotBeDialled_TakesPartAsAPeer() => OnHostsAsync(async hosts =>
    {
        hosts.ForbidDialling(1);
        RunningProgram coordinator = Train(hosts, [.. s_few, "--min-workers", "2"]);
        await coordinator.UntilSaid("Add workers");
        foreach ((int host, string kind) in new[] { (1, "as a peer: it cannot be dialled"), (2, "as a member") })
        {
            RunningProgram doctor = Start(
                hosts, host, "coordinator", ["doctor", "--join", Coordinator, "--token-file", _run.TokenFile]);
            await doctor.ExitCodeAsync();
            Assert.Contains($"a worker here takes part {kind}", doctor.Output, StringComparison.Ordinal);
        }

        RunningProgram peer = Worker(hosts, 1, "inside");
        RunningProgram member = Worker(hosts, 2, "open");
        await EndsAsync(s_few, coordinator, peer, member);
        Assert.Contains("as a peer", peer.Error, StringComparison.Ordinal);
        Assert.Contains("as a member", member.Error, StringComparison.Ordinal);
        Assert.Equal(1, Count(peer.Error, "Takes part"));
        Assert.Equal(1, Count(peer.Error, "Joined"));
    });

    /// <summary>The coordinator is reached at another port than it knows of.</summary>
    [FactWith(Need.Namespaces)]
    public Task Worker_ThatComesThroughAForwardedPort_TakesPart() => OnHostsAsync(async hosts =>
    {
        hosts.Forward(0, 7700, Port);
        RunningProgram coordinator = Train(hosts, s_few);
        RunningProgram worker = Worker(hosts, 1, "forwarded", join: $"{Hosts.Address(0)}:7700");
        await EndsAsync(s_few, coordinator, worker);
        Assert.Contains("as a member", worker.Error, StringComparison.Ordinal);
    });

    [FactWith(Need.Namespaces)]
    public Task Coordinator_ThatListensEverywhere_IsReachedByItsAddress() => OnHostsAsync(async hosts =>
    {
        RunningProgram coordinator = Start(hosts, 0, "coordinator",
        [
            "train", "--run", _run.Run, "--workers", "0", "--listen", $"*:{Port}", .. SmallRun.Configuration,
            .. s_few,
        ]);
        RunningProgram worker = Worker(hosts, 1, "far");
        await EndsAsync(s_few, coordinator, worker);
    });

    /// <summary>A cable that is out for 3 s costs nobody his place.</summary>
    [FactWith(Need.Namespaces)]
    public Task Cut_Of3Seconds_RemovesNobody() => OnHostsAsync(async hosts =>
    {
        RunningProgram coordinator = Train(hosts, "--min-workers", "2");
        RunningProgram[] workers = [Worker(hosts, 1, "a"), Worker(hosts, 2, "b")];
        await UntilSteps(5);
        hosts.Cut(1);
        await Task.Delay(TimeSpan.FromSeconds(3));
        hosts.Mend(1);
        await EndsAsync(s_steps, [coordinator, .. workers]);
        Assert.Equal(1, Count(workers[0].Error, "Joined"));
        Assert.DoesNotContain("is gone", coordinator.Error, StringComparison.Ordinal);
    });

    /// <summary>
    /// Goal: a worker that is cut off for 20 s is missed within 10, and back within 2 of the heal. The other works on.
    /// </summary>
    [FactWith(Need.Namespaces)]
    public Task Cut_Of20Seconds_IsNoticed_AndTheWorkerComesBackAtOnce() => OnHostsAsync(async hosts =>
    {
        RunningProgram coordinator = Train(hosts, "--min-workers", "2", "--steps", "1000000");
        RunningProgram[] workers = [Worker(hosts, 1, "a"), Worker(hosts, 2, "b")];
        await UntilSteps(5);
        long cut = Stopwatch.GetTimestamp();
        hosts.Cut(1);
        await coordinator.UntilSaid("a is gone");
        double noticed = Stopwatch.GetElapsedTime(cut).TotalSeconds;
        int before = _run.StepsDone();
        await Task.Delay(TimeSpan.FromSeconds(20) - Stopwatch.GetElapsedTime(cut));
        Assert.True(_run.StepsDone() > before);
        hosts.Mend(1);
        long mended = Stopwatch.GetTimestamp();
        await RunningProgram.Until(() => Task.FromResult(Count(coordinator.Error, "a joined") == 2), "a back");
        _output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Noticed after {noticed:0.0} s, back {Stopwatch.GetElapsedTime(mended).TotalSeconds:0.0} s after it."));
        Assert.InRange(noticed, 0, 10);
        RunningProgram.Signal(coordinator.Id, "-INT");
        Assert.Equal(130, await coordinator.ExitCodeAsync());
        Assert.Equal(0, await workers[0].ExitCodeAsync());
    });

    /// <summary>Two workers that cannot reach each other, but the coordinator, both work on.</summary>
    [FactWith(Need.Namespaces)]
    public Task Cut_BetweenWorkers_CostsNothing() => OnHostsAsync(async hosts =>
    {
        RunningProgram coordinator = Train(hosts, "--min-workers", "2", "--steps", "1000000");
        RunningProgram[] workers = [Worker(hosts, 1, "a"), Worker(hosts, 2, "b")];
        await UntilSteps(5);
        hosts.CutBetween(1, 2);
        await Task.Delay(TimeSpan.FromSeconds(15));
        Assert.DoesNotContain("is gone", coordinator.Error, StringComparison.Ordinal);
        Assert.Equal(1, Count(workers[0].Error, "Joined"));
        Assert.Equal(1, Count(workers[1].Error, "Joined"));
        RunningProgram.Signal(coordinator.Id, "-INT");
        Assert.Equal(130, await coordinator.ExitCodeAsync());
    });

    /// <summary>
    /// A coordinator that was stopped while a worker was cut off downs nobody as it wakes. At full size it sleeps
    /// longer than anybody may be unreachable.
    /// </summary>
    [FactWith(Need.Namespaces)]
    public Task Coordinator_StoppedWhileAWorkerIsCutOff_KeepsTheOther() => OnHostsAsync(async hosts =>
    {
        RunningProgram coordinator = Train(hosts, "--min-workers", "2", "--steps", "1000000");
        RunningProgram[] workers = [Worker(hosts, 1, "a"), Worker(hosts, 2, "b")];
        await UntilSteps(5);
        hosts.Cut(1);
        RunningProgram.Signal(coordinator.Id, "-STOP");
        await Task.Delay(TimeSpan.FromSeconds(Scale.Of(small: 12, full: 70)));
        RunningProgram.Signal(coordinator.Id, "-CONT");
        int before = _run.StepsDone();
        await RunningProgram.Until(() => Task.FromResult(_run.StepsDone() > before + 5), "goes on");
        hosts.Mend(1);
        await RunningProgram.Until(() => Task.FromResult(Count(coordinator.Error, "a joined") == 2), "a back");
        RunningProgram.Signal(coordinator.Id, "-INT");
        Assert.Equal(130, await coordinator.ExitCodeAsync());
        Assert.Equal(0, await workers[0].ExitCodeAsync());
        Assert.Equal(0, await workers[1].ExitCodeAsync());
    });

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private async Task OnHostsAsync(Func<Hosts, Task> test)
    {
        Assert.True(_made is not null, _why);
        await test(_made);
    }

    private RunningProgram Train(Hosts hosts, params string[] more) => Start(hosts, 0, "coordinator",
    [
        "train", "--run", _run.Run, "--workers", "0", "--listen", Coordinator, .. SmallRun.Configuration,
        .. more.Contains("--steps") ? [] : s_steps, .. more,
    ]);

    private RunningProgram Worker(Hosts hosts, int host, string name, string? join = null) => Start(
        hosts,
        host,
        "worker",
        ["--join", join ?? Coordinator, "--token-file", _run.TokenFile, "--threads", "1", "--name", name]);

    private RunningProgram Start(Hosts hosts, int host, string program, IEnumerable<string> arguments)
    {
        if (program == "worker")
        {
            RunningProgram.Until(() => Task.FromResult(File.Exists(_run.TokenFile)), "a token").Wait();
        }

        RunningProgram started = hosts.Start(host, program, arguments);
        _programs.Add(started);
        return started;
    }

    private Task UntilSteps(int steps) =>
        RunningProgram.Until(() => Task.FromResult(_run.StepsDone() >= steps), $"step {steps}");

    /// <summary>All end well, and the run with the bits of a local one.</summary>
    private async Task EndsAsync(string[] steps, params RunningProgram[] programs)
    {
        foreach (RunningProgram program in programs)
        {
            Assert.True(await program.ExitCodeAsync() == 0, program.Error);
        }

        Assert.Equal(await _run.LocalHashAsync(steps), SmallRun.Hash(programs[0]));
    }
}
