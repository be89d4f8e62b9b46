using System.Text.RegularExpressions;
using Distributed.EndToEnd.Tests.Harness;
using Distributed.EndToEnd.Tests.Cluster;

namespace Distributed.EndToEnd.Tests.Http;

/// <summary>A run as a process of its own, watched through the port of <c>--http</c>.</summary>
public sealed class MetricsOfRunTests
{
    private static readonly string[] s_tiny =
        ["--data", "disc", "--model", "mlp-disc", "--limit", "40", "--batch", "20", "--shard", "5", "--workers", "1"];

    [Fact]
    public async Task Scrape_DuringTraining_ShowsTheRunAndItsWorkers_AndTheWorkersThatCome()
    {
        using SmallRun run = new();
        RunningProgram coordinator = run.Coordinator(
            ["--steps", "100000", "--workers", "1", "--validate-every-epoch", "--min-workers", "2"]);
        await coordinator.UntilSaid("Health and metrics: http://127.0.0.1:");
        await RunningProgram.Until(
            async () => await run.MetricAsync("distributed_worker_shards_total{worker=\"local-1\"}") == 0, "a worker");
        RunningProgram worker = run.Worker("beta");
        await RunningProgram.Until(async () => await run.MetricAsync("distributed_psnr") > 10, "a validation");
        string text = (await run.ScrapeAsync())!;
        Assert.Equal(2, await run.MetricAsync("distributed_workers_ready"));
        Assert.Equal(1, await run.MetricAsync("distributed_term"));
        Assert.InRange((double)(await run.MetricAsync("distributed_step_time_seconds_sum"))!, 0.001, 100);
        foreach (string name in new[]
        {
            "step", "steps_total", "samples_total", "loss", "learning_rate", "images_per_second",
            "shards_recomputed_total", "sums_discarded_total", "step_wait_seconds_total", "step_sum_seconds_total",
            "step_update_seconds_total", "step_compute_seconds_total",
        })
        {
            Assert.Matches($@"(?m)^distributed_{name}\{{\}} \d", text);
        }

        foreach (string name in new[]
        {
            "shards_total", "shards_per_second", "compute_seconds_total", "last_seen_seconds",
        })
        {
            Assert.Matches($@"(?m)^distributed_worker_{name}\{{worker=""local-1""\}} \d", text);
            Assert.Matches($@"(?m)^distributed_worker_{name}\{{worker=""beta""\}} \d", text);
        }

        worker.KillHard();
        await RunningProgram.Until(
            async () => await run.MetricAsync("distributed_workers_ready") == 1
                && await run.ScrapeAsync() is { } said && !said.Contains("\"beta\"", StringComparison.Ordinal),
            "forgotten");
    }

    /// <summary>Nobody pays at the start for what he does not ask for.</summary>
    [FactWith(Need.Linux)]
    public async Task WithoutHttp_NothingListens_AndNothingOfItIsLoaded()
    {
        using TestFolder folder = new();
        string[] sweep = ["sweep", "--grid", "lr=0.01,0.02", .. s_tiny[..^2], "--run", "swept", "--parallel", "1"];
        foreach (string[] line in new[] { ["train", .. s_tiny, "--run", "trained"], sweep })
        {
            using CoordinatorProcess process = CoordinatorProcess.Start(folder.Folder, [.. line, "--steps", "1000000"]);
            await process.WaitUntilAsync(() =>
                Directory.GetFiles(folder.Folder, "metrics.jsonl", SearchOption.AllDirectories)
                    .Any(path => new FileInfo(path).Length > 0));
            string maps = await File.ReadAllTextAsync($"/proc/{process.Id}/maps");
            Assert.Contains("/Akka.dll", maps, StringComparison.Ordinal);
            Assert.Empty(Loaded(maps));
            Assert.Equal(0, Listening(process.Id));
            await process.KillAsync();
            Directory.Delete(folder[line[0] == "train" ? "trained" : "swept"], recursive: true);
        }

        using CoordinatorProcess served = CoordinatorProcess.Start(
            folder.Folder, ["train", .. s_tiny, "--run", "served", "--steps", "1000000", "--http", "127.0.0.1:0"]);
        await served.WaitUntilAsync(() => File.Exists(folder["served/metrics.jsonl"]));
        Assert.NotEmpty(Loaded(await File.ReadAllTextAsync($"/proc/{served.Id}/maps")));
        Assert.Equal(1, Listening(served.Id));
    }

    private static string[] Loaded(string maps) =>
        [.. Regex.Matches(maps, @"/((Microsoft\.AspNetCore|OpenTelemetry)\.[\w.]*dll)").Select(match => match.Value)];

    /// <summary>TCP sockets of a process that listen: state 0A.</summary>
    private static int Listening(int process)
    {
        HashSet<string> own = [.. Directory.GetFiles($"/proc/{process}/fd")
            .Select(path => new FileInfo(path).LinkTarget ?? "")
            .Select(target => Regex.Match(target, @"^socket:\[(\d+)\]$").Groups[1].Value)
            .Where(inode => inode.Length > 0)];
        return new[] { "tcp", "tcp6" }
            .SelectMany(table => File.ReadLines($"/proc/{process}/net/{table}").Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Count(fields => fields[3] == "0A" && own.Contains(fields[9]));
    }
}
