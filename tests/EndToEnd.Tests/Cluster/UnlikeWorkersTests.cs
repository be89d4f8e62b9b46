using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>Workers of other machines than the coordinator's: other vectors, no data.</summary>
public sealed class UnlikeWorkersTests : IDisposable
{
    private readonly SmallRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task OtherVectorWidths_SideBySide_GiveTheLocalRunsBits()
    {
        string[] steps = ["--steps", "12", "--checkpoint-every", "0"];
        string expected = await _run.LocalHashAsync(steps);
        Dictionary<string, string>?[] machines =
        [
            null,
            new() { ["DISTRIBUTED_TEST_VECTOR_BITS"] = "128" },
            new() { ["DOTNET_EnableAVX512"] = "0" },
            new() { ["DOTNET_EnableAVX2"] = "0" },
        ];
        await TrainsAsync(expected, [.. steps, "--min-workers", "4"], machines);
    }

    /// <summary>
    /// Pairs of pictures as a tuple of two tensors: on the coordinator's disk only, cached by workers.
    /// </summary>
    [Fact]
    public async Task StoredPairs_OnTheCoordinatorOnly_GiveTheLocalRunsBits()
    {
        string pairs = PairFile.Write(Path.Combine(_run.Folder, "pairs.pkl"), 110);
        string[] options = ["--steps", "12", "--checkpoint-every", "0", "--data", pairs, "--crop", "24"];
        string expected = await _run.LocalHashAsync(options);
        string[] caches = [Path.Combine(_run.Folder, "cache-a"), Path.Combine(_run.Folder, "cache-b")];
        Dictionary<string, string>?[] machines =
            [.. caches.Select(cache => new Dictionary<string, string> { ["DISTRIBUTED_CACHE"] = cache })];
        await TrainsAsync(expected, [.. options, "--min-workers", "2"], machines);
        byte[][] cached = [.. caches.Select(cache => File.ReadAllBytes(Assert.Single(Directory.GetFiles(cache))))];
        Assert.True(cached[0].Length >= 110 * 2 * 3 * 32 * 32); // Two pictures a pair, one byte a value.
        Assert.Equal(cached[0], cached[1]);
    }

    private async Task TrainsAsync(
        string expected, IEnumerable<string> arguments, Dictionary<string, string>?[] machines)
    {
        RunningProgram coordinator = _run.Coordinator([.. arguments, "--workers", "0"]);
        await _run.UntilListens();
        RunningProgram[] workers =
            [.. machines.Select((machine, i) => _run.Worker($"w{i}", environment: machine))];
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        foreach (RunningProgram worker in workers)
        {
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        }
    }
}
