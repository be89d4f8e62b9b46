using System.Text.Json.Nodes;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Reports;
using Distributed.Coordinator.Runs;
using Distributed.Coordinator.Tests.Commands;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Experiments;

/// <summary>What can be reproduced: every trial has options that train takes, and theirs stands beside ours.</summary>
public sealed class ReproduceTests : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-reproduce-").FullName;

    public static TheoryData<string> Names => [.. Reproductions.All.Select(one => one.Name)];

    public void Dispose()
    {
        _runner.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task List_NamesEverythingOnce()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("reproduce", "--list"));
        Assert.All(
            Reproductions.All, one => Assert.Contains($"| {one.Name} ", _runner.Output, StringComparison.Ordinal));
        Assert.Equal(Reproductions.All.Count, Reproductions.All.Select(one => one.Name).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Trials_HaveNamesAndFoldersOfTheirOwn_AndFewerWhenSmall(string name)
    {
        Reproduction one = Reproductions.Find(name)!;
        IReadOnlyList<Trial> full = one.Trials(new ReproduceSize(1, null, null), []);
        Assert.Equal(full.Count, full.Select(trial => FolderName.Of(trial.Name)).Distinct().Count());
        Assert.True(one.Trials(new ReproduceSize(0.02, null, null), []).Count <= full.Count);
    }

    [Theory]
    [InlineData(1, 50_000, 25, 10)]
    [InlineData(0.02, 1_000, 4, 2)]
    [InlineData(0.0001, 200, 2, 2)]
    public void Size_ShrinksPairsByTheScale_EpochsAndRunsByItsRoot(double scale, int pairs, int epochs, int runs)
    {
        ReproduceSize size = new(scale, null, null);
        Assert.Equal((pairs, epochs, runs), (size.Pairs(50_000), size.Epochs(25), size.Runs(10)));
        Assert.Equal(1, size.Epochs(1));
        int[] values = [.. size.Values([1, 2, 3, 4, 5, 6, 7, 8, 9])];
        Assert.Equal((1, 9), (values[0], values[^1]));
    }

    [Fact]
    public async Task Table_HasTheirsBesideOurs_AndIsMadeFromWhatIsThere()
    {
        Assert.Equal(ExitCodes.Done, await ReproduceAsync("seed003-table2"));
        JsonArray rows = Table("seed003-table2");
        Assert.Equal(10, rows.Count);
        Assert.Equal("12 layers, batch norm", (string)rows[9]!["row"]!);
        Assert.Equal(23.69, (double)rows[0]!["theirs"]!);
        Assert.Equal(27.5, (double)rows[0]!["ours"]!);
        Assert.Equal(3.81, (double)rows[0]!["difference"]!, precision: 6);
        Assert.True(File.Exists(Path.Combine(_folder, "seed003-table2", "seed003-table2.svg")));
        Assert.Equal((20.25, 7.25), ((double)rows[0]!["input"]!, (double)rows[0]!["gain"]!));
        Assert.Equal(["--noise", "resample:4"], _runner.Options!.CommandLine.Skip(1).Take(2));
    }

    [Fact]
    public void Notes_SayTheGapOfNoisyTargets_AndWhatTheFilesMayHold()
    {
        ReproduceSize size = new(1, null, null);
        Reproduction one = Reproductions.Find("noise2noise")!;
        TrialResult[] results =
        [
            .. one.Trials(size, []).Take(3).Select((trial, i) => new TrialResult
            {
                Trial = trial,
                Status = TrialStatus.Done,
                Psnr = i == 0 ? 30.06 : 30,
            }),
        ];
        IReadOnlyList<string> notes = one.Report(size, results).Tables[0].Notes;
        Assert.Equal("n2n-initial, gaussian:25: noisy targets end +0.06 dB from clean ones.", notes[0]);
        Assert.DoesNotContain("noisy targets end", notes[1], StringComparison.Ordinal);
        Assert.Contains(
            "Data: the files of --data (5000 pairs at most).",
            Reproductions.Find("seed003-initial")!.Report(new ReproduceSize(1, "d", null), []).Tables[0].Notes);
    }

    [Fact]
    public async Task Repeat_GivesRunsWithOtherSeeds()
    {
        Assert.Equal(ExitCodes.Done, await ReproduceAsync("seed003-baselines", "--repeat", "3"));
        Assert.Equal(3, (int)Table("seed003-baselines")[0]!["runs"]!);
        Assert.Equal(6, Directory.GetDirectories(Path.Combine(_folder, "trials")).Length);
    }

    [Fact]
    public async Task AnotherSizeInTheFolder_IsRefused_AndTheTableStays()
    {
        Assert.Equal(ExitCodes.Done, await ReproduceAsync("seed003-baselines"));
        string path = Path.Combine(_folder, "seed003-baselines", "table.json");
        string table = File.ReadAllText(path);
        Assert.Equal(ExitCodes.BadInput, await ReproduceAsync("seed003-baselines", "--repeat", "3"));
        Assert.Contains(
            "--scale 0.02 and noise resample:4, not --scale 0.02 --repeat 3 and",
            _runner.Error,
            StringComparison.Ordinal);
        Assert.Equal(table, File.ReadAllText(path));
        Assert.Equal(ExitCodes.Done, await ReproduceAsync("seed003-table2"));
    }

    /// <summary>Until 2026-11-29 the noise was another one, and not written down.</summary>
    [Fact]
    public async Task AnotherNoiseInTheFolder_IsRefused()
    {
        File.WriteAllText(
            Path.Combine(_folder, "reproduce.json"), """{ "scale": 0.02, "data": null, "repeat": null }""");
        Assert.Equal(ExitCodes.BadInput, await ReproduceAsync("seed003-baselines"));
        Assert.Contains("made with --scale 0.02 and noise resample:2, not", _runner.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000, 20.25, "")]
    [InlineData(1000, 20.0, "below its input")]
    [InlineData(299, 21.0, "too short")]
    [InlineData(40, 6.35, "below its input; too short")]
    public void Rows_BelowTheirInputOrOfFewSteps_AreMarked(int steps, double psnr, string remark)
    {
        ReproduceSize size = new(1, null, null);
        foreach (string name in new[] { "seed003-initial", "seed003-figure4" })
        {
            Reproduction one = Reproductions.Find(name)!;
            TrialResult result = new()
            {
                Trial = one.Trials(size, [])[0],
                Status = TrialStatus.Done,
                Psnr = psnr,
                InputPsnr = 20.25,
                Steps = steps,
                Epochs = [new TrialEpoch(1, 0.1, psnr)],
            };
            ResultTable table = one.Report(size, [result]).Tables[0];
            Assert.Equal(remark, table.Rows[0][^1]);
            Assert.Equal(psnr - 20.25, Assert.IsType<double>(Cell(table, "gain")), precision: 9);
            Assert.Equal(
                steps < 300, table.Notes.Any(note => note.StartsWith("Too short: ", StringComparison.Ordinal)));
        }

        object? Cell(ResultTable table, string key) =>
            table.Rows[0][table.Columns.ToList().FindIndex(column => column.Key == key)];
    }

    /// <summary>Classes have no input to be compared with.</summary>
    [Fact]
    public void Accuracy_HasNoInputBesideIt()
    {
        Reproduction one = Reproductions.Find("seed004-best")!;
        Assert.DoesNotContain(
            one.Report(new ReproduceSize(1, null, null), []).Tables[0].Columns,
            column => column.Key is "input" or "gain");
    }

    [Fact]
    public void PyTorchsNumber_StandsBesidePyTorchOrNothing()
    {
        ReproduceSize size = new(1, null, null);
        Reproduction one = Reproductions.Find("seed000-table3")!;
        TrialResult result = new()
        {
            Trial = one.Trials(size, []).Single(),
            Status = TrialStatus.Done,
            Psnr = 23,
            Run = Path.Combine(_folder, "gone"),
        };
        ResultTable table = one.Report(size, [result]).Tables[0];
        Assert.Equal(["a framework of one's own", "PyTorch"], table.Rows.Select(row => row[0]));
        Assert.Equal([25.48, null, null], table.Rows[1].Where((_, i) => i is 1 or 3 or 5));
        Assert.Contains("PyTorch's row is empty", table.Notes[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-such-experiment")]
    [InlineData("all", "--scale", "0")]
    [InlineData("all", "--scale", "1.5")]
    [InlineData]
    public async Task Reproduce_Bad_IsRefused(params string[] arguments) =>
        Assert.Equal(ExitCodes.Usage, await _runner.RunAsync(["reproduce", .. arguments]));

    [Fact]
    public async Task Data_WithoutTheCoursesFiles_IsRefused()
    {
        Assert.Equal(ExitCodes.BadInput, await _runner.RunAsync("reproduce", "seed003-final", "--data", _folder));
        Assert.Contains("train_data.pkl", _runner.Error, StringComparison.Ordinal);
    }

    private Task<int> ReproduceAsync(params string[] arguments)
    {
        _runner.Train = (options, _, _) =>
        {
            Directory.CreateDirectory(options.Run!);
            return Task.FromResult(CommandRunner.Result(options, run: options.Run!));
        };
        return _runner.RunAsync(["reproduce", .. arguments, "--scale", "0.02", "--run", _folder]);
    }

    private JsonArray Table(string name) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, name, "table.json")))![0]!["rows"]!.AsArray();
}
