using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>When a standby takes a run over, when it waits, and what it says meanwhile; time is virtual.</summary>
public sealed class StandbyTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;
    private readonly ManualClock _clock = new();
    private readonly List<string> _said = [];
    private readonly CancellationTokenSource _stop = new();

    public void Dispose()
    {
        _stop.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Wait_RunIsFree_TakesItAtOnce()
    {
        Open().Dispose();
        using RunLock? taken = await Standby().WaitAsync(_stop.Token);
        taken!.Verify();
        Assert.Empty(_said);
    }

    [Fact]
    public async Task Wait_HolderDies_TakesItWithinHalfASecond_AndHoldsIt()
    {
        Port port = new();
        RunFolder holder = Open();
        holder.Announce("127.0.0.1:5500");
        Task<RunLock?> waiting = Standby(port: port).WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(20), waiting);
        Assert.False(waiting.IsCompleted);
        Assert.False(port.IsTaken);
        Assert.Equal("127.0.0.1:5500", port.Holder!.Address);

        holder.Dispose(); // As the system does for a process that is killed: nothing is written.
        await _clock.PassAsync(TimeSpan.FromSeconds(0.5), waiting);

        using RunLock? taken = await waiting;
        taken!.Verify();
        Assert.True(port.IsTaken);
        Assert.Equal(["standby: waits for coordinator 127.0.0.1:5500 (term 1)"], _said);
    }

    /// <summary>A holder that is stopped or cut off keeps its lock: a line every 30 s, and nothing else.</summary>
    [Fact]
    public async Task Wait_HolderIsSilent_IsSaidEvery30Seconds()
    {
        using RunFolder holder = Open();
        string name = $"standby: waits for process {Environment.ProcessId} on {Environment.MachineName} (term 1)";
        RunHolder.Touch(_root, _clock);
        Task<RunLock?> waiting = Standby().WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(89), waiting);
        Assert.Equal([name, $"{name}, silent for 30 s", $"{name}, silent for 60 s"], _said);

        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task Wait_NoRunYet_WritesNothing_AndWaitsForOne()
    {
        string run = Path.Combine(_root, "run");
        Task<RunLock?> waiting = Standby(run).WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(2), waiting);
        Assert.False(Directory.Exists(run));
        Directory.CreateDirectory(run);
        RunLock starting = RunLock.Take(run);
        await _clock.PassAsync(TimeSpan.FromSeconds(2), waiting);
        Assert.Equal([$"standby: waits for a run in {run}"], _said);

        ConfigurationFile.Write(run, new RunConfiguration());
        await _clock.PassAsync(TimeSpan.FromSeconds(2), waiting);
        Assert.False(waiting.IsCompleted);
        starting.Dispose();
        await _clock.PassAsync(TimeSpan.FromSeconds(2), waiting);
        using RunLock? taken = await waiting;
        Assert.NotNull(taken);
    }

    /// <summary>The name says how the holder let the run go, the value whether a standby takes it.</summary>
    [Theory]
    [InlineData("Finished", false)]
    [InlineData("Stopped", false)]
    [InlineData("Failed", false)]
    [InlineData("Left", true)]
    public async Task Wait_HolderLetsGo_TakesItOnlyIfItGoesOn(string release, bool isTaken)
    {
        RunFolder holder = Open();
        Task<RunLock?> waiting = Standby().WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(2), waiting);
        holder.Release(Enum.Parse<RunRelease>(release));
        holder.Dispose();
        await _clock.PassAsync(TimeSpan.FromSeconds(1), waiting);
        using RunLock? taken = await waiting;
        Assert.Equal(isTaken, taken is not null);
    }

    /// <summary>A run that was stopped before is somebody's to resume; the standby leaves its lock alone.</summary>
    [Fact]
    public async Task Wait_StoppedBefore_WaitsForAResume()
    {
        Release(RunRelease.Stopped);
        Task<RunLock?> waiting = Standby().WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(2), waiting);
        Assert.Equal([$"standby: waits for somebody who resumes {_root}"], _said);

        RunFolder holder = Open();
        await _clock.PassAsync(TimeSpan.FromSeconds(2), waiting);
        Assert.Contains("(term 2)", _said[^1], StringComparison.Ordinal);
        holder.Dispose();
        await _clock.PassAsync(TimeSpan.FromSeconds(1), waiting);
        using RunLock? taken = await waiting;
        Assert.NotNull(taken);
    }

    [Fact]
    public async Task Wait_FinishedBefore_Ends()
    {
        Release(RunRelease.Finished);
        Standby standby = Standby();
        Assert.Null(await standby.WaitAsync(_stop.Token));
        Assert.Equal(RunRelease.Finished, standby.Ended!.Release);
    }

    /// <summary>It is the user's wish to begin: what became of the run before does not count.</summary>
    [Theory]
    [InlineData("Finished")]
    [InlineData("Stopped")]
    [InlineData("Left")]
    public void Begin_RunIsFree_TakesIt(string release)
    {
        Release(Enum.Parse<RunRelease>(release));
        using RunLock? taken = Standby().TryBegin();
        Assert.NotNull(taken);
    }

    /// <summary>Two begin at once on a run that was stopped: who is second must not take that for the end.</summary>
    [Fact]
    public async Task Begin_HeldByOneThatHasSaidNothingYet_Waits()
    {
        Release(RunRelease.Stopped);
        RunLock held = RunLock.Take(_root);
        Standby standby = Standby();
        Assert.Null(standby.TryBegin());
        Task<RunLock?> waiting = standby.WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(5), waiting);
        Assert.False(waiting.IsCompleted);
        held.Dispose();
        await _clock.PassAsync(TimeSpan.FromSeconds(1), waiting);
        using RunLock? taken = await waiting;
        Assert.NotNull(taken);
    }

    [Fact]
    public async Task Begin_HolderDiesBeforeThereIsARun_TakesIt()
    {
        string run = Path.Combine(_root, "new");
        Directory.CreateDirectory(run);
        RunLock held = RunLock.Take(run);
        Standby standby = Standby(run);
        Assert.Null(standby.TryBegin());
        Task<RunLock?> waiting = standby.WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(2), waiting);
        held.Dispose();
        await _clock.PassAsync(TimeSpan.FromSeconds(1), waiting);
        using RunLock? taken = await waiting;
        Assert.NotNull(taken);
    }

    [Fact]
    public async Task Wait_LockDoesNotHold_IsRefused()
    {
        using RunFolder holder = Open();
        Standby standby = new(_root, _said.Add, _clock)
        {
            TryLock = _ => throw new RunLostException("The lock does not hold.", "Do something."),
        };
        ConfigurationException refused =
            await Assert.ThrowsAsync<ConfigurationException>(() => standby.WaitAsync(_stop.Token));
        Assert.Equal("The lock does not hold.", refused.Message);
    }

    /// <summary>A disk that is away for a while is no reason to give up.</summary>
    [Fact]
    public async Task Wait_DiskFails_IsSaidAndTriedAgain()
    {
        Open().Dispose();
        bool isBroken = true;
        Standby standby = new(_root, _said.Add, _clock)
        {
            TryLock = path => isBroken ? throw new IOException("stale file handle") : RunLock.TryTake(path),
        };
        Task<RunLock?> waiting = standby.WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(5), waiting);
        Assert.Contains("stale file handle", Assert.Single(_said), StringComparison.Ordinal);
        isBroken = false;
        await _clock.PassAsync(TimeSpan.FromSeconds(1), waiting);
        using RunLock? taken = await waiting;
        Assert.NotNull(taken);
    }

    /// <summary>A standby that could not train says so in time, and does not keep the run from others.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Wait_CannotPrepare_Ends(bool isHeld)
    {
        RunFolder holder = Open();
        TaskCompletionSource preparing = new();
        Standby standby = new(_root, _said.Add, _clock) { Prepare = () => preparing.Task };
        Task<RunLock?> waiting = standby.WaitAsync(_stop.Token);
        await _clock.PassAsync(TimeSpan.FromSeconds(1), waiting);
        preparing.SetException(new DataException("no data", "Bring them."));
        if (!isHeld)
        {
            holder.Dispose();
        }

        await _clock.PassAsync(TimeSpan.FromSeconds(1), waiting);
        await Assert.ThrowsAsync<DataException>(() => waiting);
        holder.Dispose();
        RunLock.Take(_root).Dispose();
    }

    private Standby Standby(string? folder = null, IStandbyPort? port = null) =>
        new(folder ?? _root, _said.Add, _clock) { Port = port };

    private void Release(RunRelease how)
    {
        using RunFolder holder = Open();
        holder.Release(how);
    }

    private RunFolder Open() => RunFolder.Open(
        new RunFolderOptions(new RunConfiguration(), Saved: null, _root, Resumption.Auto, new HashSet<string>(), []),
        _clock);

    private sealed class Port : IStandbyPort
    {
        public RunHolder? Holder { get; private set; }

        public bool IsTaken { get; private set; }

        public void OnWaiting(RunHolder? holder) => Holder = holder;

        public void OnTaken() => IsTaken = true;
    }
}
