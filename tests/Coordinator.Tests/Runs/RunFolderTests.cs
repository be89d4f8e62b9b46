using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>Who may open which folder, and what is in it then.</summary>
public sealed class RunFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;
    private readonly FixedClock _clock = new(new DateTimeOffset(2026, 11, 21, 15, 30, 12, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Open_NoFolderGiven_NamesItByTimeAndModel()
    {
        using RunFolder first = RunFolder.Open(Options(folder: null), _clock);
        using RunFolder second = RunFolder.Open(
            Options(folder: null) with { Configuration = new() { Model = "a/b c.json" } }, _clock);
        using RunFolder third = RunFolder.Open(Options(folder: null), _clock);

        Assert.Equal(Path.Combine(_root, "20261121-153012-n2n-initial"), first.Folder);
        Assert.Equal(Path.Combine(_root, "20261121-153012-b-c"), second.Folder);
        Assert.Equal(Path.Combine(_root, "20261121-153012-n2n-initial-2"), third.Folder);
        Assert.True(Directory.Exists(first["checkpoints"]) && Directory.Exists(first["previews"]));
        Assert.False(Directory.Exists(first["secrets"]));
        Assert.False(first.IsResumed);
        JsonNode environment = JsonNode.Parse(File.ReadAllText(first["environment.json"]))!;
        Assert.Equal("2026-11-21T15:30:12Z", (string?)environment["started"]);
        Assert.True((int?)environment["cores"] >= 1);
        Assert.Equal(NumericsFingerprint.VectorBits, (int?)environment["vectorBits"]);
        JsonNode configuration = JsonNode.Parse(File.ReadAllText(first["config.json"]))!;
        Assert.Equal(0.001, (double?)configuration["optimizer"]!["learningRate"]);
    }

    [Fact]
    public void Open_FolderInUse_IsRefusedWithTheProcess()
    {
        using RunFolder held = RunFolder.Open(Options(), _clock);

        ConfigurationException exception = Refused(Options(resume: Resumption.Auto));

        Assert.Contains($"in use by process {Environment.ProcessId}", exception.Message, StringComparison.Ordinal);
        held.Dispose();
        RunFolder.Open(Options(resume: Resumption.Auto), _clock).Dispose();
    }

    [Fact]
    public void Open_FolderWithARunWithoutResume_IsRefusedAndNothingIsWritten()
    {
        RunFolder.Open(Options(), _clock).Dispose();
        string before = Snapshot();

        Assert.Contains("--resume", Refused(Options(lr: 5)).CommandLine.Remedy, StringComparison.Ordinal);

        Assert.Equal(before, Snapshot());
    }

    [Fact]
    public void Open_ResumeWithOtherConfiguration_NamesEachKeyWithBothValues()
    {
        RunFolder.Open(Options(), _clock).Dispose();
        string before = Snapshot();

        string message = Refused(Options(resume: Resumption.Auto, lr: 0.01, epochs: 9)).Message;

        Assert.Contains("optimizer.learningRate was 0.001, now 0.01.", message, StringComparison.Ordinal);
        Assert.DoesNotContain("epochs", message, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot());
    }

    [Fact]
    public void Open_ResumeWithChangesThatAreAllowed_RaisesTheTermAndKeepsThem()
    {
        for (int life = 1; life <= 3; life++)
        {
            using RunFolder folder = RunFolder.Open(Options(resume: Resumption.Auto, epochs: life), _clock);

            Assert.Equal(life, folder.Term);
            Assert.Equal(life > 1, folder.IsResumed);
            Assert.Equal($"{life}\n", File.ReadAllText(folder["term"]));
            Assert.Equal(life, (int?)JsonNode.Parse(File.ReadAllText(folder["config.json"]))!["epochs"]);
        }
    }

    [Fact]
    public void Open_TermOnlyOfAStoppedOpening_StartsAfresh()
    {
        Directory.CreateDirectory(Named);
        File.WriteAllText(Path.Combine(Named, "term"), "41");
        File.WriteAllText(Path.Combine(Named, "config.json.tmp"), "{");

        using RunFolder folder = RunFolder.Open(Options(), _clock);

        Assert.Equal(42, folder.Term);
        Assert.False(folder.IsResumed);
        Assert.False(File.Exists(folder["config.json.tmp"]));
    }

    [Fact]
    public void Open_WritesWhoHoldsIt_AndForgetsToStop()
    {
        Directory.CreateDirectory(Named);
        File.WriteAllText(Path.Combine(Named, "stop"), "");
        using RunFolder folder = RunFolder.Open(Options(), _clock);

        Assert.False(File.Exists(folder["stop"]));
        RunHolder expected = new(
            Address: null, Environment.ProcessId, Environment.MachineName, _clock.GetUtcNow(), Term: 1);
        Assert.Equal(expected, RunHolder.Find(Named)! with { Heard = default });
        folder.Announce("[::1]:5500");
        folder.Release(RunRelease.Stopped);
        Assert.Equal(
            expected with { Address = "[::1]:5500", Release = RunRelease.Stopped },
            RunHolder.Find(Named)! with { Heard = default });
        Assert.Equal("coordinator [::1]:5500", RunHolder.Find(Named)!.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("127.0.0.1:5500")]
    [InlineData("{\"address\":null,\"process\":1}")]
    [InlineData("""{"address":"\u001b[2J","process":1,"host":"a","since":"2026-11-21T15:30:12Z","term":1}""")]
    public void FindHolder_DamagedOrUnprintable_IsNotKnown(string content)
    {
        Directory.CreateDirectory(Named);
        File.WriteAllText(Path.Combine(Named, "holder"), content);
        Assert.Null(RunHolder.Find(Named));
    }

    [Theory]
    [InlineData("term", "many")]
    [InlineData("term", "9223372036854775807")]
    [InlineData("config.json", "{\"epochs\":")]
    [InlineData("config.json", "[]")]
    [InlineData("config.json", "{\"epochs\":1,\"epochs\":2}")]
    public void Open_DamagedFile_NamesItAndLetsTheLockGo(string name, string content)
    {
        RunFolder.Open(Options(), _clock).Dispose();
        string path = Path.Combine(Named, name);
        string whole = File.ReadAllText(path);
        File.WriteAllText(path, content);

        DataException fault = Assert.Throws<DataException>(
            () => RunFolder.Open(Options(resume: Resumption.Auto), _clock));

        Assert.Contains(path, fault.Message, StringComparison.Ordinal);
        File.WriteAllText(path, whole);
        RunFolder.Open(Options(resume: Resumption.Auto), _clock).Dispose();
    }

    [Fact]
    public void Open_FolderIsAFileOrResumeWithoutName_IsRefused()
    {
        File.WriteAllText(Named, "");

        Assert.Contains("cannot be written", Refused(Options()).Message, StringComparison.Ordinal);
        Assert.Contains(
            "which run", Refused(Options(folder: null, resume: Resumption.Auto)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutSecrets_SecretsInManyPlaces_AreHidden()
    {
        string[] arguments =
        [
            "train", "--token", "s1", "--token=s2", "--token-file", "path", "--secrets", "dir",
            "--listen", "[::1]:5500",
            "--join", "https://u:s3@host/?token=s4#s5", "0123456789abcdef0123::s6", "--json",
        ];

        string shown = string.Join(' ', RunEnvironment.WithoutSecrets(arguments));

        Assert.Equal(
            "train --token *** --token=*** --token-file path --secrets dir --listen [::1]:5500 "
            + "--join https://***@host/?*** 0123456789abcdef0123::*** --json",
            shown);
    }

    [Fact]
    public void Find_NestedChanges_GivesDottedPaths()
    {
        JsonNode saved = JsonNode.Parse("""{"a":{"b":1,"gone":null},"list":[1,2],"same":1.0,"type":{"x":1}}""")!;
        JsonNode now = JsonNode.Parse("""{"new":true,"type":"x","same":1.0,"list":[1,3,4],"a":{"b":"1"}}""")!;

        IEnumerable<string> differences =
            ConfigurationDifference.Find(saved, now, new HashSet<string> { "list.2" }).Select(each => each.ToString());

        Assert.Equal(
            [
                "a.b was 1, now \"1\"", "a.gone was null, now (none)", "list.1 was 2, now 3",
                "type was {\"x\":1}, now \"x\"", "new was (none), now true",
            ],
            differences);
    }

    [Fact]
    public void Open_ResumeOfAFolderOfRuns_NamesThem()
    {
        RunFolder.Open(Options(folder: Path.Combine("named", "seed-1")), _clock).Dispose();
        string before = Snapshot();
        Assert.Contains("seed-1", Refused(Options(resume: Resumption.Auto)).Remedy, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot());
    }

    [Fact]
    public void Open_ResumeOfAFolderOfOtherFiles_IsRefusedAndNothingIsWritten()
    {
        Directory.CreateDirectory(Named);
        File.WriteAllText(Path.Combine(Named, "holiday.png"), "");
        string before = Snapshot();

        ConfigurationException exception = Refused(Options(resume: Resumption.Auto));

        Assert.Contains("config.json is missing, holiday.png is there", exception.Message, StringComparison.Ordinal);
        Assert.Contains("nothing was written", exception.Remedy, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot());
    }

    [Fact]
    public void Open_ResumeOfAnEmptyFolderOrAStoppedOpening_StartsAfresh()
    {
        Directory.CreateDirectory(Named);
        using (RunFolder empty = RunFolder.Open(Options(resume: Resumption.Auto), _clock))
        {
            Assert.False(empty.IsResumed);
            Directory.CreateDirectory(empty["secrets"]);
            File.Delete(empty["config.json"]);
            File.WriteAllText(empty["config.json.tmp"], "{");
        }

        Assert.Contains(
            "no run to resume", Refused(Options(resume: Resumption.Existing)).Message, StringComparison.Ordinal);
        using RunFolder folder = RunFolder.Open(Options(resume: Resumption.Auto), _clock);
        Assert.False(folder.IsResumed);
    }

    private string Named => Path.Combine(_root, "named");

    private ConfigurationException Refused(RunFolderOptions options) =>
        Assert.Throws<ConfigurationException>(() => RunFolder.Open(options, _clock));

    private string Snapshot() => string.Join('\n', Directory.EnumerateFiles(Named, "*", SearchOption.AllDirectories)
        .Where(path => !path.EndsWith("lock", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(path => $"{path}: {File.ReadAllText(path)}"));

    private RunFolderOptions Options(
        Resumption resume = Resumption.None, double lr = 0.001, int epochs = 1, string? folder = "named") =>
        new(
            new RunConfiguration
            {
                Model = "n2n-initial:channels=64",
                Optimizer = new OptimizerOptions { LearningRate = lr },
                Epochs = epochs,
            },
            Saved: null,
            folder is null ? null : Path.Combine(_root, folder),
            resume,
            new HashSet<string> { "epochs" },
            ["train", "--json"],
            _root);

    /// <summary>A clock that stands still, in Greenwich.</summary>
    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => now;
    }
}
