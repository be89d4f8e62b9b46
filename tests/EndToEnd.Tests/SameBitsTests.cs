using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>The final weights depend on configuration and data alone.</summary>
public sealed class SameBitsTests
{
    private static readonly Dictionary<string, string> s_none = [];

    /// <summary>
    /// Goal: neither workers, threads nor vector width change a bit. Method: batches of 47 over 100 pairs in leaves
    /// of 3, so the last batch of an epoch and the last leaf of a batch are short; workers do not divide the leaves.
    /// </summary>
    [Fact]
    public async Task Weights_AnyWorkersThreadsAndWidth_AreTheSame()
    {
        using TestFolder folder = new();
        string[] options = ["--noise", "gaussian:25", "--validation", PairFile.Write(folder["val.pkl"], 4)];
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
        string[] options = ["--data", PairFile.Write(folder["train.pkl"], 110), "--crop", "24"];
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

    private static async Task CheckAsync(
        TestFolder folder, string[] options, (Dictionary<string, string> Environment, string[] Arguments)[] variants)
    {
        string[] all = [.. Runs.Small, "--steps", "7", .. options];
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
