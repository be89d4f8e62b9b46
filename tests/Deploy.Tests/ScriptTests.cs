using Distributed.Deploy.Tests.Harness;

namespace Distributed.Deploy.Tests;

/// <summary>The scripts, and the local cluster.</summary>
public sealed class ScriptTests
{
    private const string Cluster = "deploy/local/cluster.sh";

    public static TheoryData<string> Scripts =>
    [
        Cluster, "deploy/rehearsal/rehearse.sh", "deploy/slurm/train.sbatch",
    ];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task Script_IsOne_AndMayBeRun(string name)
    {
        ProgramResult result = await Shell.RunAsync(Repository.Root, "bash", "-n", name);
        Assert.True(result is { ExitCode: 0, Error: "" }, result.ToString());
        Assert.True(File.GetUnixFileMode(Repository.PathOf(name)).HasFlag(UnixFileMode.UserExecute));
        Assert.All(Repository.Lines(name), line => Assert.InRange(line.Length, 0, 120));
    }

    /// <summary>
    /// Goal: the local cluster survives what it offers to do. Method: kill the coordinator and a worker in mid-run,
    /// start both again, and stop: the standby had taken over, and everybody ends.
    /// </summary>
    [Fact]
    public async Task Cluster_LosesItsCoordinatorAndAWorker_AndGoesOn()
    {
        using TestFolder folder = new();
        int port = Ports.Block();
        await RunAsync(folder, port, $$"""
            $cluster start 2 $options --steps 1000000 --checkpoint-every 50
            said coordinator 'step [1-9]'
            said standby 'Health and metrics: '
            ask {{port + 11}} /healthz | grep 200
            ask {{port + 11}} /readyz | grep 503
            $cluster kill worker-2
            $cluster kill coordinator
            $cluster status | grep 'coordinator .* ended with 137'
            said standby 'worker-1 joined'
            $cluster restart coordinator
            $cluster restart worker-2
            said standby 'worker-2 joined'
            said coordinator 'waits for coordinator 127.0.0.1:{{port + 1}}'
            $cluster stop
            codes=$(cd here && cat coordinator.exit standby.exit worker-1.exit worker-2.exit | xargs)
            [ "$codes" = '0 130 0 0' ]
            """);
        Assert.Contains("takes over", File.ReadAllText(folder["here/standby.log"]), StringComparison.Ordinal);
        Assert.True(File.Exists(folder["here/run/model.safetensors"]));
    }

    /// <summary>
    /// A run that was stopped goes on by the same line; one that comes to its end lets everybody go.
    /// </summary>
    [Fact]
    public async Task Cluster_Stops_AndGoesOn_AndFinishes()
    {
        using TestFolder folder = new();
        await RunAsync(folder, Ports.Block(), """
            $cluster start 1 $options --steps 1000000
            said coordinator 'step [1-9]'
            ! $cluster start 1 $options --steps 1000000
            $cluster stop
            ! $cluster kill worker-1
            ! $cluster kill nobody
            $cluster start 1 $options --steps 1000000
            said coordinator 'Resuming after step'
            $cluster stop
            CLUSTER=short $cluster start 2 $options --steps 30
            CLUSTER=short $cluster wait
            [ "$(cat short/*.exit | xargs)" = '0 0 0 0' ]
            """);
    }

    [Fact]
    public async Task Cluster_SaysWhatIsWrong()
    {
        using TestFolder folder = new();
        ProgramResult result = await Shell.RunAsync(
            folder.Folder, Environment(Ports.Block()), Repository.PathOf(Cluster), "start", "1", "--lr", "0");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--lr 0: not allowed", result.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await Shell.RunAsync(folder.Folder, Repository.PathOf(Cluster), "begin")).ExitCode);
    }

    /// <summary>Runs lines that end the cluster whatever happens.</summary>
    private static async Task RunAsync(TestFolder folder, int port, string lines)
    {
        string script = $$"""
            set -ex
            cluster={{Repository.PathOf(Cluster)}}
            options="--model n2n-initial:channels=8 --limit 640 --batch 32 --shard 4"
            trap '$cluster stop > last.log 2>&1' EXIT
            ask() {
                exec 3<> "/dev/tcp/127.0.0.1/$1"
                printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
                head -n 1 <&3
            }
            said() { timeout 90 bash -c "until grep -q '$2' here/$1.log; do sleep 0.1; done"; }
            {{lines}}
            """;
        ProgramResult result = await Shell.BashAsync(folder.Folder, script, Environment(port));
        Assert.True(result.ExitCode == 0, $"{result}\n{Logs(folder)}");
    }

    private static Dictionary<string, string> Environment(int port) => new()
    {
        ["BIN"] = AppContext.BaseDirectory.TrimEnd('/'),
        ["CLUSTER"] = "here",
        ["PORT"] = $"{port}",
    };

    private static string Logs(TestFolder folder) => !Directory.Exists(folder["here"]) ? "" : string.Join(
        '\n',
        Directory.EnumerateFiles(folder["here"], "*.log")
            .Select(path => $"--- {Path.GetFileName(path)}\n{File.ReadAllText(path)}"));
}
