using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Commands.Doctor;
using Distributed.Coordinator.Runs;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>What doctor looks at, and how it judges.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public void Dispose()
    {
        _runner.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Report_HasALineForEachSubject_AndLeavesNothing()
    {
        _runner.Settings["Train:RunsRoot"] = Path.Combine(_root, "runs");
        await _runner.RunAsync("doctor");

        string[] subjects =
            ["system", "dotnet", "processor", "vectors", "cores", "memory", "numerics", "disk", "writing", "clock"];
        string[] lines = _runner.Output.Split('\n');
        Assert.All(subjects, subject => Assert.Single(
            lines, line => line.Length > 5 && line[5..].StartsWith(subject + " ", StringComparison.Ordinal)));
        Assert.Contains("OK   numerics", _runner.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    /// <summary>The second process is a real one; the run's own lock is not touched, and nothing is left.</summary>
    [Fact]
    public async Task Run_LockIsTriedByASecondProcess()
    {
        string run = Path.Combine(_root, "run");
        Directory.CreateDirectory(run);
        using RunLock held = RunLock.Take(run);
        await _runner.RunAsync("doctor", "--run", run);
        Assert.Contains("OK   lock       kept a second process out", _runner.Output, StringComparison.Ordinal);
        Assert.Contains("OK   its clock", _runner.Output, StringComparison.Ordinal);
        Assert.Contains("OK   run        none in", _runner.Output, StringComparison.Ordinal);
        held.Verify();
        Assert.Single(Directory.EnumerateFileSystemEntries(run));
    }

    [Theory]
    [InlineData(0, "a second process took it while it was held")]
    [InlineData(1, "ended with 1 while it was held, 1 when it was free")]
    [InlineData(3, "ended with 3 while it was held, 3 when it was free")]
    public void Lock_ThatDoesNotHoldOrIsNeverFree_Fails(int code, string expected)
    {
        Finding finding = LockChecks.Check(_root, TimeProvider.System, _ => code).ElementAt(1);
        Assert.Equal(Health.Fail, finding.Health);
        Assert.Contains(expected, finding.Observation, StringComparison.Ordinal);
    }

    [Fact]
    public void Numerics_ThatDisagree_Fail() =>
        Assert.Equal(Health.Fail, MachineChecks.Numerics(bits => bits == 256 ? "b" : "a").Health);

    [Theory]
    [InlineData(1L << 20, nameof(Health.Fail))]
    [InlineData(1L << 28, nameof(Health.Warn))]
    [InlineData(1L << 34, nameof(Health.Ok))]
    public void Space_IsJudgedByWhatARunTakes(long bytes, string expected) =>
        Assert.Equal(expected, DiskChecks.Space("x", bytes).Health.ToString());

    [Fact]
    public void Root_ThatIsAFile_Fails()
    {
        string file = Path.Combine(_root, "file");
        File.WriteAllText(file, "");
        Finding finding = Assert.Single(DiskChecks.Check(Path.Combine(file, "runs"), TimeProvider.System));
        Assert.Equal(Health.Fail, finding.Health);
    }

    [Fact]
    public void Clock_ThatJumps_Warns()
    {
        JumpingClock clock = new();
        Assert.Equal(Health.Warn, MachineChecks.Clock(clock, () => clock.Hours = 2).Health);
    }

    [Fact]
    public async Task Join_WhereNobodyListens_Fails()
    {
        string token = Path.Combine(_root, "token");
        await File.WriteAllTextAsync(token, $"{new string('0', 64)}::{new string('1', 64)}");
        await _runner.RunAsync("doctor", "--join", "127.0.0.1:1", "--token-file", token);
        Assert.True(_runner.Output.Contains("FAIL join       127.0.0.1:1", StringComparison.Ordinal), _runner.Error);
    }

    [Fact]
    public void Join_IsJudgedByTheCoordinatorsAnswer()
    {
        HostPort address = new("alpha", 5500);
        ProbeAnswer answer = new() { Verdict = ProbeVerdict.Ok, IsHolder = true, Version = "1.0.0", IsDialled = true };
        Assert.Equal(Health.Ok, JoinChecks.Judge(address, answer).Health);
        Assert.Equal(Health.Warn, JoinChecks.Judge(address, answer with { IsDialled = false }).Health);
        Assert.Equal(Health.Warn, JoinChecks.Judge(address, answer with { IsHolder = false }).Health);
        foreach (ProbeVerdict verdict in Enum.GetValues<ProbeVerdict>().Where(one => one != ProbeVerdict.Ok))
        {
            Assert.Equal(Health.Fail, JoinChecks.Judge(address, answer with { Verdict = verdict }).Health);
        }
    }

    [Fact]
    public void ExitCode_IsFailedIfAnythingFails()
    {
        using StringWriter writer = new();
        Finding ok = new(Health.Ok, "a", "b");
        Assert.Equal(ExitCodes.Done, DoctorCommand.Report(writer, [ok, ok with { Health = Health.Warn }]));
        Assert.Equal(ExitCodes.Failed, DoctorCommand.Report(writer, [ok, ok with { Health = Health.Fail }]));
    }

    private sealed class JumpingClock : TimeProvider
    {
        private long _timestamp;

        public int Hours { get; set; }

        public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, Hours, 0, 0, TimeSpan.Zero);

        public override long GetTimestamp() => _timestamp += TimestampFrequency / 20;
    }
}
