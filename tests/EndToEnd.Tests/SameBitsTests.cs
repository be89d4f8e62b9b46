using System.Text.Json.Nodes;
using Distributed.EndToEnd.Tests.Harness;
using Distributed.Framework.Models;
using Distributed.Framework.Tests.Data;

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

        await CheckResumeAsync(folder, options);
    }

    /// <summary>A run that loses its newest checkpoints ends with the same weights.</summary>
    private static async Task CheckResumeAsync(TestFolder folder, string[] options)
    {
        string run = folder["resumed"];
        string[] all = [.. options, "--steps", "7", "--run", run, "--checkpoint-every", "2"];
        string whole = Runs.Sha(await InProcess.RunAsync(folder, all));
        foreach (int step in Runs.Checkpoints(run).Where(step => step > 4))
        {
            File.Delete(Runs.Checkpoint(run, step));
        }

        File.Delete(Path.Combine(run, "model.safetensors"));
        string[] resume = ["train", "--json", "--run", run, "--resume", "--workers", "3"];
        Assert.Equal(whole, Runs.Sha(await InProcess.RunAsync(folder, resume)));
    }

    /// <summary>
    /// The same for the default model between blocks of pixels as channels, with a gradient that is shortened at every
    /// step, and for the average of the weights; also after a resume with other workers.
    /// </summary>
    [Fact]
    public async Task WeightsAndAverage_OfTheDefaultModel_AreTheSameAnywhere()
    {
        using TestFolder folder = new();
        JsonArray layers = ModelSpec.Write(Catalogue.Find("n2n-residual:channels=8", 12)!);
        layers.Insert(0, new JsonObject { ["type"] = "PixelUnshuffle", ["downscale_factor"] = 2 });
        layers.Add(new JsonObject { ["type"] = "PixelShuffle", ["upscale_factor"] = 2 });
        File.WriteAllText(folder["model.json"], layers.ToJsonString());
        string[] options =
        [
            "train", "--json", "--model", folder["model.json"], "--limit", "60", "--batch", "23", "--shard", "3",
            "--noise", "correlated:25", "--clip-norm", "0.01", "--ema", "0.9", "--steps", "7",
        ];
        string first = await BothAsync("--workers", "1");
        Assert.Equal(first, await BothAsync("--workers", "2"));
        Assert.Equal(first, await BothAsync("--workers", "3"));
        Assert.Equal(first, await BothAsync("--workers", "2", "--threads", "2"));
        foreach (int bits in new[] { 128, 256, 512 })
        {
            ProcessResult wide = await CoordinatorProcess.RunAsync(folder.Folder, Bits(bits), options);
            Assert.True(first == Both(wide), $"{bits} bits");
        }

        Assert.NotEqual(first, Both(await InProcess.RunAsync(
            folder, [.. options.Select(word => word == "0.01" ? "0" : word)])));
        string run = folder["resumed"];
        string[] begun = [.. options.SkipLast(1), "4", "--run", run];
        Assert.NotEqual(first, Both(await InProcess.RunAsync(folder, begun)));
        string[] resume = ["train", "--json", "--run", run, "--resume", "--steps", "7", "--workers", "3"];
        ProcessResult resumed = await InProcess.RunAsync(folder, resume);
        Assert.Contains("Resuming after step 4", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(first, Both(resumed));

        async Task<string> BothAsync(params string[] more)
        {
            string[] given = [.. options, .. more];
            return Both(await InProcess.RunAsync(folder, given));
        }

        static string Both(ProcessResult result) =>
            $"{Runs.Sha(result)} {Runs.Summary(result).GetProperty("emaSha256").GetString()}";
    }

    /// <summary>
    /// The same for single noisy pictures, whose pairs are drawn and whose second term is computed at another size, and
    /// a model that is told the noise level; and after a resume in the middle, where that term has grown.
    /// </summary>
    [Fact]
    public async Task Weights_OfNeighborsWithALevelMap_AreTheSameAnywhere()
    {
        using TestFolder folder = new();
        byte[] pixels = [.. Enumerable.Range(0, 60 * 3 * 32 * 32).Select(i => (byte)((i % 32 * 5) + (i * 7919 % 90)))];
        File.WriteAllBytes(folder["single.npy"], ArrayFiles.Npy("|u1", "60, 3, 32, 32", pixels));
        string[] options =
        [
            "train", "--json", "--model", "n2n-residual:channels=4", "--data", folder["single.npy"],
            "--pairs", "neighbors", "--batch", "23", "--shard", "3",
        ];
        await CheckAsync(folder, options,
        [
            (s_none, ["--workers", "1"]),
            (s_none, ["--workers", "2"]),
            (s_none, ["--workers", "3", "--threads", "2"]),
            (Bits(128), ["--workers", "2"]),
        ]);
        await CheckResumeAsync(folder, options);
    }

    private static async Task CheckAsync(
        TestFolder folder, string[] options, (Dictionary<string, string> Environment, string[] Arguments)[] variants)
    {
        string[] all = [.. options, "--steps", "7"];
        string first = Runs.Sha(await InProcess.RunAsync(folder, all));
        foreach ((Dictionary<string, string> environment, string[] arguments) in variants)
        {
            string[] both = [.. all, .. arguments];
            string sha = Runs.Sha(environment.Count > 0
                ? await CoordinatorProcess.RunAsync(folder.Folder, environment, both)
                : await InProcess.RunAsync(folder, both));
            string what = string.Join(' ', environment.Select(pair => $"{pair.Key}={pair.Value}").Concat(arguments));
            Assert.True(first == sha, $"{what}: {sha}, not {first}");
        }

        string other = Runs.Sha(await InProcess.RunAsync(folder, [.. all, "--seed", "1"]));
        Assert.NotEqual(first, other);
    }

    private static Dictionary<string, string> Bits(int bits) => Variable("DISTRIBUTED_TEST_VECTOR_BITS", $"{bits}");

    private static Dictionary<string, string> Variable(string name, string value) => new() { [name] = value };
}
