using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Commands.Doctor;
using Distributed.Protocol;

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
