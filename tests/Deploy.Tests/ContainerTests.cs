using Distributed.Deploy.Tests.Harness;

namespace Distributed.Deploy.Tests;

/// <summary>
/// The image's files and command lines. No container engine is at hand: the lines are run outside a container.
/// </summary>
[Collection(PublishedGroup.Name)]
public sealed class ContainerTests(PublishedPrograms published)
{
    private static readonly Yaml s_services = Yaml.Load("deploy/container/compose.yaml").Single()["services"];
    private static readonly int s_port = Ports.Block();
    private static readonly string[] s_dockerfile = Repository.Lines("deploy/container/Dockerfile");

    [Fact]
    public void Dockerfile_CopiesWhatIsPublished()
    {
        string[] copied = s_dockerfile
            .Single(line => line.StartsWith("COPY ", StringComparison.Ordinal)).Split(' ')[1..^1];
        Assert.All(copied, name => Assert.True(File.Exists(Path.Combine(published.Programs, name)), name));
        Assert.Equal(
            Tutorial.Blocks[0].Text.Split('\n')
                .Where(line => line.StartsWith("dotnet publish", StringComparison.Ordinal)),
            s_dockerfile.Where(line => line.StartsWith("#   dotnet publish", StringComparison.Ordinal))
                .Select(line => line[4..]));
    }

    [Fact]
    public async Task Compose_AgreesWithItselfAndThePrograms()
    {
        ProgramLine train = Line("coordinator");
        ProgramLine join = Line("worker-1");
        Assert.Equal(
            ["coordinator", "standby", "worker-1", "worker-2", "worker-3"], s_services.Members.Keys.Order());
        await train.AssertIsTakenAsync();
        await join.AssertIsTakenAsync();

        // The standby's line is the coordinator's but for what it is called.
        Assert.Equal(train.With(("coordinator:", "standby:")).Arguments, Line("standby").Arguments);
        Assert.Equal(
            [train["--advertise"], Line("standby")["--advertise"]], join["--join"].Split(','));
        Assert.All(["coordinator", "standby"], name =>
        {
            Yaml service = s_services[name];
            Assert.Equal(name, service["hostname"].Text);
            string[] mounted = [.. service["volumes"].Texts.Select(volume => volume.Split(':')[1])];
            Assert.Contains(train["--secrets"], mounted);
            Assert.Contains(Path.GetDirectoryName(train["--run"])!, mounted);
        });
        Assert.Equal($"127.0.0.1:{train.Port("--http")}:{train.Port("--http")}",
            s_services["coordinator"]["ports"].Texts.Single());
        Yaml secret = s_services["worker-1"]["secrets"].Items.Single();
        Assert.Equal($"/run/secrets/{secret["target"].Text}", join["--token-file"]);
        Assert.Equal(
            "./secrets/join.token",
            Yaml.Load("deploy/container/compose.yaml").Single()["secrets"][secret["source"].Text]["file"].Text);
        Assert.Equal(train["--min-workers"], $"{s_services.Members.Keys.Count(name => name.StartsWith('w'))}");
        Assert.All(s_services.Members.Values, service => Assert.Equal("true", service["read_only"].Text));
    }

    /// <summary>
    /// The five lines of compose.yaml with the published programs and nothing of the environment but what the
    /// Dockerfile sets; where the test is root, as the image's user, without new privileges, on a read-only root.
    /// </summary>
    [Fact]
    public async Task Lines_TrainOutsideAContainer()
    {
        using TestFolder folder = new();
        ProgramLine train = Place(Line("coordinator"), folder);
        ProgramLine standby = Place(Line("standby"), folder);
        ProgramLine join = Place(Line("worker-1"), folder);
        const string Small = "--model n2n-initial:channels=8 --limit 64 --batch 16 --shard 2 --steps 40 --json";
        string lines = $$"""
            set -e
            as() {
                set -- env -i {{Variables(folder["cache"])}} "$@"
                [ "$(id -u)" = 0 ] || exec "$@"
                exec unshare --mount --propagation private sh -c '
                    for path in runs cache etc; do mount --bind "$PWD/$path" "$PWD/$path"; done
                    mount -o remount,ro,bind / && exec "$@"' \
                    sh setpriv --reuid=1654 --regid=1654 --clear-groups --no-new-privs "$@"
            }
            mkdir runs cache etc
            cp {{published.Programs}}/* .
            chmod 755 .
            chmod 777 runs cache etc
            (as ./coordinator secrets {{folder["etc/secrets"]}} > secrets.log)
            (as ./{{train}} {{Small}} > train.json 2> train.log) & train=$!
            until grep -q 'Add workers' train.log; do kill -0 $train; sleep 0.1; done
            (as ./{{standby}} {{Small}} > standby.json 2> standby.log) & standby=$!
            ids=""
            for i in 1 2 3; do (as ./{{join}} > worker-$i.log 2>&1) & ids="$ids $!"; done
            wait $train
            wait $standby
            for id in $ids; do wait $id; done
            tail -n 1 train.json
            cat standby.log
            """;
        ProgramResult result = await Shell.BashAsync(folder.Folder, lines);
        Assert.True(result.ExitCode == 0, $"{result}\n{Logs(folder)}");
        Assert.Contains("\"steps\":40,", result.Output, StringComparison.Ordinal);
        Assert.Contains("standby: nothing to take over", result.Output, StringComparison.Ordinal);
    }

    /// <summary>NAME=VALUE of the Dockerfile's ENV.</summary>
    private static string Variables(string cache) => string.Join(' ', s_dockerfile
        .SkipWhile(line => !line.StartsWith("ENV ", StringComparison.Ordinal))
        .TakeWhile(line => !string.IsNullOrEmpty(line))
        .Select(line => line.Replace("ENV ", "", StringComparison.Ordinal).Trim(' ', '\\')
            .Replace("/var/cache/distributed", cache, StringComparison.Ordinal)));

    private static string Logs(TestFolder folder) => string.Join('\n', Directory.EnumerateFiles(folder.Folder, "*.log")
        .Select(path => $"--- {Path.GetFileName(path)}\n{File.ReadAllText(path)}"));

    private static ProgramLine Line(string service) => ProgramLine.Of(s_services[service]["command"].Texts);

    /// <summary>The same line where containers' paths and names are folders and ports of this machine.</summary>
    private static ProgramLine Place(ProgramLine line, TestFolder folder)
    {
        ProgramLine placed = line.With(
            ("/srv/distributed/runs", folder["runs"]),
            ("/etc/distributed/secrets", folder["etc/secrets"]),
            ("/run/secrets", folder["etc/secrets"]),
            ("coordinator:5500", $"127.0.0.1:{s_port}"),
            ("standby:5500", $"127.0.0.1:{s_port + 1}"));
        int port = placed.Arguments.Contains($"--advertise=127.0.0.1:{s_port + 1}") ? s_port + 1 : s_port;
        return placed.With(
            ("--listen=0.0.0.0:5500", $"--listen=127.0.0.1:{port}"),
            ("--http=0.0.0.0:5501", $"--http=127.0.0.1:{port + 10}"));
    }
}
