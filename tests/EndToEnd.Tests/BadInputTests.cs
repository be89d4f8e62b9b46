using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>Bad input: the exit code, the cause with its place, the remedy, and nothing written.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--data no/such.pkl", "no/such.pkl", "exists")]
    [InlineData("--data train.pkl --validation gone.pkl", "gone.pkl", "exists")]
    [InlineData("--data train.pkl --init gone.safetensors", "gone.safetensors", "")]
    [InlineData("--model nosuch", "nosuch", "n2n-initial")]
    [InlineData("--data one.pkl --model n2n-initial:channels=4 --crop 64", "", "")]
    public Task Train_ThingsThatAreNotThere_Exits3(string options, string place, string remedy)
    {
        PairFile.Write(_folder["train.pkl"], 5);
        PairFile.Write(_folder["one.pkl"], 1);
        return CheckAsync(3, place, remedy, ["train", .. options.Split(' ')]);
    }

    [Fact]
    public async Task Train_TruncatedPickle_Exits3AnywhereItIsCut()
    {
        byte[] whole = File.ReadAllBytes(PairFile.Write(_folder["whole.pkl"], 2));
        foreach (int length in new[] { 0, 1, 3, 40, 200, whole.Length / 2, whole.Length - 30, whole.Length - 1 })
        {
            File.WriteAllBytes(_folder["cut.pkl"], whole[..length]);
            await CheckAsync(3, "cut.pkl", "", ["train", "--data", "cut.pkl"]);
        }
    }

    [Fact]
    public async Task Train_MaliciousPickle_NamesTheGlobalAndRunsNothing()
    {
        PairFile.WriteMalicious(_folder["bad.pkl"]);
        await CheckAsync(3, "posix.system", "", ["train", "--data", "bad.pkl"]);
        Assert.False(File.Exists(_folder["owned"]));
    }

    [Fact]
    public async Task Train_PairsOfOtherShapes_Exits3WithBoth()
    {
        PairFile.Write(_folder["shapes.pkl"], 2, side: 32, targetSide: 16);
        await CheckAsync(3, "16", "shape", ["train", "--data", "shapes.pkl"]);
        PairFile.Write(_folder["train.pkl"], 2);
        PairFile.Write(_folder["small.pkl"], 2, side: 16);
        await CheckAsync(3, "16", "crop", ["train", "--data", "train.pkl", "--validation", "small.pkl"]);
    }

    [Fact]
    public async Task Train_ModelDoesNotFitTheData_Exits3AndNamesBoth()
    {
        PairFile.Write(_folder["grey.pkl"], 2, channels: 1);
        File.WriteAllText(
            _folder["three.json"],
            """[{"type":"Conv2d","in_channels":3,"out_channels":3,"kernel_size":3,"padding":1}]""");
        await CheckAsync(3, "[N, 1, 32, 32]", "", ["train", "--data", "grey.pkl", "--model", "three.json"]);
        File.WriteAllText(
            _folder["half.json"],
            """[{"type":"Conv2d","in_channels":1,"out_channels":1,"kernel_size":2,"stride":2}]""");
        await CheckAsync(3, "half.json", "shape", ["train", "--data", "grey.pkl", "--model", "half.json"]);
    }

    [Fact]
    public async Task Train_NaNInTheData_Exits3AndNamesTheImage()
    {
        PairFile.WriteWithNaN(_folder["nan.pkl"], 3);
        await CheckAsync(3, "nan.pkl", "finite", ["train", "--data", "nan.pkl"]);
    }

    [Fact]
    public async Task Train_LossIsNaN_Exits1NamesTheStepAndKeepsCheckpoints()
    {
        PairFile.Write(_folder["train.pkl"], 30);
        string[] options =
        [
            "train", "--data", "train.pkl", "--model", "n2n-initial:channels=4", "--optimizer", "sgd", "--lr", "1e30",
            "--batch", "8", "--steps", "60", "--checkpoint-every", "1", "--run", "run",
        ];
        ProcessResult result = await CoordinatorProcess.RunAsync(_folder.Folder, options);
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Equal(2, result.ErrorLines.Length);
        int bad = Runs.MetricSteps(_folder["run"])[^1] + 1;
        Assert.Contains($"at step {bad}:", result.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("--lr", result.ErrorLines[1], StringComparison.Ordinal);
        Assert.NotEmpty(Runs.Checkpoints(_folder["run"]));
        Assert.False(File.Exists(_folder["run/model.safetensors"]));
    }

    [Fact]
    public async Task Train_RunFolderOfAnother_IsRefusedAndLeftAlone()
    {
        PairFile.Write(_folder["train.pkl"], 30);
        string[] options =
            ["train", "--data", "train.pkl", "--model", "n2n-initial:channels=4", "--steps", "3", "--run", "run"];
        ProcessResult first = await CoordinatorProcess.RunAsync(_folder.Folder, options);
        Assert.True(first.ExitCode == 0, first.ToString());
        await CheckAsync(3, "already holds a run", "--resume", options);
        await CheckAsync(3, "optimizer.learningRate was 0.001, now 0.5", "", [.. options, "--lr", "0.5", "--resume"]);
        await CheckAsync(3, "seed", "", [.. options, "--seed", "5", "--resume"]);
        PairFile.Write(_folder["train.pkl"], 31);
        await CheckAsync(3, "dataHash", "", [.. options, "--resume"]);
    }

    [Fact]
    public async Task Train_RunFolderInUse_NamesTheProcess()
    {
        PairFile.Write(_folder["train.pkl"], 30);
        string[] options =
        [
            "train", "--data", "train.pkl", "--model", "n2n-initial:channels=4", "--steps", "1000000",
            "--checkpoint-every", "0", "--run", "run",
        ];
        using CoordinatorProcess process = CoordinatorProcess.Start(_folder.Folder, options);
        await process.WaitUntilAsync(() => File.Exists(_folder["run/metrics.jsonl"]));
        ProcessResult result = await CoordinatorProcess.RunAsync(_folder.Folder, [.. options, "--resume"]);
        Assert.True(result.ExitCode == 3, result.ToString());
        Assert.Contains($"process {process.Id}", result.ErrorLines[0], StringComparison.Ordinal);
        Assert.Equal(2, result.ErrorLines.Length);
        Assert.True(process.IsRunning);
        await process.KillAsync();
    }

    [Theory]
    [InlineData("train --no-such-option", "--no-such-option")]
    [InlineData("nonsense", "nonsense")]
    [InlineData("train --workers -1", "--workers")]
    [InlineData("train --batch many", "--batch")]
    [InlineData("train --lr -1", "--lr")]
    [InlineData("train --steps 1 --epochs 1", "--epochs")]
    [InlineData("train --loss huber", "--loss")]
    [InlineData("train --conv fft", "--conv")]
    [InlineData("train --min-workers 0", "--min-workers")]
    [InlineData("train --audit 0.1", "--audit")]
    [InlineData("train --resume", "--run")]
    [InlineData("inspect", "inspect")]
    public Task Usage_UnknownOrBadOrNotBuiltYet_Exits2(string arguments, string place) =>
        CheckAsync(2, place, "--help", arguments.Split(' '));

    private async Task CheckAsync(int exitCode, string place, string remedy, string[] arguments)
    {
        Dictionary<string, string> before = TestFolder.Contents(_folder.Folder);
        ProcessResult result = await CoordinatorProcess.RunAsync(_folder.Folder, arguments);
        string what = $"{string.Join(' ', arguments)}\n{result}";
        Assert.True(result.ExitCode == exitCode, what);
        Assert.True(result.ErrorLines.Length == 2, what);
        Assert.True(result.ErrorLines[0].Contains(place, StringComparison.Ordinal), what);
        Assert.True(result.ErrorLines[1].Contains(remedy, StringComparison.Ordinal), what);
        Assert.True(before.SequenceEqual(TestFolder.Contents(_folder.Folder)), $"Something was written.\n{what}");
    }
}
