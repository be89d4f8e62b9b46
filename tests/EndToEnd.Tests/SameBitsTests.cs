using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>The final weights depend on configuration and data alone.</summary>
public sealed class SameBitsTests
{
    private static readonly Dictionary<string, string> s_none = [];

    /// <summary>
    /// Goal: neither workers, threads nor vector width change a bit. Method: batches of 47 over 100 pairs in shards
    /// of 3, so the last batch of an epoch and the last shard of a batch are short; workers do not divide the shards.
    /// </summary>
    [Fact]
    public async Task Weights_AnyWorkersThreadsAndWidth_AreTheSame()
    {
        using TestFolder folder = new();
        string validation = PairFile.Write(folder["val.pkl"], 4);
        string[] options = [.. Runs.Small, "--noise", "gaussian:25", "--validation", validation];
        await CheckAsync(folder, options,
        [
            (s_none, ["--workers", "1"]),
            (s_none, ["--workers", "2"]),
            (s_none, ["--workers", "3"]),
            (s_none, ["--workers", "5"]),
            (s_none, ["--workers", "2", "--threads", "2"]),
            (Bits(128), ["--workers", "1"]),
            (Bits(256), ["--workers", "2"]),
            (Bits(512), ["--workers", "3"]),
            (Variable("DOTNET_EnableAVX512", "0"), ["--workers", "2"]),
        ]);
    }

    /// <summary>The same with stored pairs, which are shuffled and cut.</summary>
    [Fact]
    public async Task Weights_StoredPairs_AreTheSameAnywhere()
    {
        using TestFolder folder = new();
        string[] options = [.. Runs.Small, "--data", PairFile.Write(folder["train.pkl"], 110), "--crop", "24"];
        await CheckAsync(folder, options,
        [
            (s_none, ["--workers", "1"]),
            (s_none, ["--workers", "3"]),
            (s_none, ["--workers", "5", "--threads", "2"]),
            (Bits(128), ["--workers", "2"]),
            (Bits(256), ["--workers", "1"]),
            (Variable("DOTNET_EnableAVX512", "0"), ["--workers", "3"]),
        ]);
    }

    /// <summary>
    /// The same for a model with everything that could depend on who computes: statistics of shards, dropout's masks,
    /// Winograd's tiles, pooling; with augmentation, a schedule, and an optimizer and a loss of their own.
    /// </summary>
    [Fact]
    public async Task Weights_OfEveryLayer_AreTheSameAnywhere()
    {
        using TestFolder folder = new();
        const string Model = """
            [
              { "type": "Conv2d", "in_channels": 3, "out_channels": 18, "kernel_size": 3, "padding": 1, "bias": false },
              { "type": "BatchNorm2d", "num_features": 18 },
              { "type": "ELU" },
              { "type": "SkipConcat", "inner": [
                { "type": "MaxPool2d", "kernel_size": 2 },
                { "type": "Residual", "inner": [
                  { "type": "Conv2d", "in_channels": 18, "out_channels": 18, "kernel_size": 3, "padding": 1 },
                  { "type": "BatchNorm2d", "num_features": 18 }, "SELU",
                  { "type": "Dropout", "p": 0.3 } ] },
                { "type": "NearestUpsample2d", "scale_factor": 2 } ] },
              { "type": "ConvTranspose2d", "in_channels": 36, "out_channels": 16, "kernel_size": 3, "padding": 1 },
              { "type": "LeakyReLU", "negative_slope": 0.1 },
              { "type": "Conv2d", "in_channels": 16, "out_channels": 3, "kernel_size": 3, "padding": 1 }
            ]
            """;
        File.WriteAllText(folder["model.json"], Model);
        string[] options =
        [
            "train", "--json", "--model", folder["model.json"], "--data", PairFile.Write(folder["train.pkl"], 110),
            "--augment", "--batch", "45", "--shard", "8", "--loss", "l1", "--optimizer", "adamw",
            "--schedule", "cosine", "--warmup", "3", "--init-scheme", "kaiming-normal",
        ];
        await CheckAsync(folder, options,
        [
            (s_none, ["--workers", "1"]),
            (s_none, ["--workers", "4"]),
            (s_none, ["--workers", "2", "--threads", "2"]),
            (Bits(128), ["--workers", "2"]),
            (Bits(512), ["--workers", "1"]),
        ]);

        string run = folder["resumed"];
        string[] all = [.. options, "--steps", "7", "--run", run, "--checkpoint-every", "2"];
        string whole = Runs.Sha(await CoordinatorProcess.RunAsync(folder.Folder, all));
        foreach (int step in Runs.Checkpoints(run).Where(step => step > 4))
        {
            File.Delete(Runs.Checkpoint(run, step));
        }

        File.Delete(Path.Combine(run, "model.safetensors"));
        string[] resume = ["train", "--json", "--run", run, "--resume", "--workers", "3"];
        Assert.Equal(whole, Runs.Sha(await CoordinatorProcess.RunAsync(folder.Folder, resume)));
    }

    private static async Task CheckAsync(
        TestFolder folder, string[] options, (Dictionary<string, string> Environment, string[] Arguments)[] variants)
    {
        string[] all = [.. options, "--steps", "7"];
        string first = Runs.Sha(await CoordinatorProcess.RunAsync(folder.Folder, all));
        foreach ((Dictionary<string, string> environment, string[] arguments) in variants)
        {
            string[] both = [.. all, .. arguments];
            string sha = Runs.Sha(await CoordinatorProcess.RunAsync(folder.Folder, environment, both));
            string what = string.Join(' ', environment.Select(pair => $"{pair.Key}={pair.Value}").Concat(arguments));
            Assert.True(first == sha, $"{what}: {sha}, not {first}");
        }

        string other = Runs.Sha(await CoordinatorProcess.RunAsync(folder.Folder, [.. all, "--seed", "1"]));
        Assert.NotEqual(first, other);
    }

    private static Dictionary<string, string> Bits(int bits) => Variable("DISTRIBUTED_TEST_VECTOR_BITS", $"{bits}");

    private static Dictionary<string, string> Variable(string name, string value) => new() { [name] = value };
}
