using System.Net;
using System.Net.Sockets;
using System.Text;
using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>What happens around a run that is none of its business, and costs it nothing.</summary>
public sealed class SurvivalTests : IDisposable
{
    private readonly SmallRun _run = new();

    public void Dispose() => _run.Dispose();

    /// <summary>
    /// Goal: a member that is gone is not taken for whoever is at its port now. Method: at a killed worker's port
    /// there is first a server that answers anything with text, later another worker, which is welcome.
    /// </summary>
    [Fact]
    public async Task PortOfADeadWorker_AnsweredByOthers_EndsNobody()
    {
        string[] steps = ["--steps", "1000", "--checkpoint-every", "0"];
        string expected = await _run.LocalHashAsync(steps);
        RunningProgram coordinator = _run.Coordinator(
            [.. steps, "--workers", "0", "--min-workers", "2", "--linger", "3s"]);
        await _run.UntilListens();
        int port = SmallRun.FreePort();
        string[] listen = ["--listen", $"127.0.0.1:{port}"];
        RunningProgram stays = _run.Worker("stays");
        RunningProgram dies = _run.Worker("dies", arguments: listen);
        await _run.UntilSteps(5);
        dies.KillHard();
        using (new Impostor(port))
        {
            await coordinator.UntilSaid("dies is gone");
            await Task.Delay(TimeSpan.FromSeconds(3)); // What dials the dead one again does so meanwhile.
            Assert.False(coordinator.HasExited, coordinator.Error);
            Assert.False(stays.HasExited, stays.Error);
        }

        RunningProgram next = _run.Worker("next", arguments: listen);
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(expected, SmallRun.Hash(coordinator));
        Assert.True(await stays.ExitCodeAsync() == 0, stays.Error);
        Assert.True(await next.ExitCodeAsync() == 0, next.Error);
    }

    /// <summary>Its plan is too long for a message, and comes by the channel.</summary>
    [Fact]
    public async Task ModelOf300KilobytesOfJson_JoinsAndTrains()
    {
        string data = Path.Combine(_run.Folder, "pairs.pkl");
        PairFile.Write(data, 16, channels: 3, side: 4);
        string layer = """{"type": "LeakyReLU", "negative_slope": 0.99}""";
        string layers = string.Join(",\n", Enumerable.Repeat(layer, 7000));
        string model = Path.Combine(_run.Folder, "model.json");
        string convolution = """{"type": "Conv2d", "in_channels": 3, "out_channels": 3, "kernel_size": 1}""";
        await File.WriteAllTextAsync(model, $"[{convolution},\n{layers},\n{convolution}]");
        string[] settings =
            ["train", "--json", "--model", model, "--data", data, "--batch", "8", "--shard", "4", "--steps", "4"];
        using RunningProgram local = new(
            "coordinator", [.. settings, "--run", Path.Combine(_run.Folder, "local")], environment: null);
        Assert.True(await local.ExitCodeAsync() == 0, local.Error);
        Assert.True(new FileInfo(Path.Combine(_run.Folder, "local", "config.json")).Length > 300_000);
        using RunningProgram coordinator = new(
            "coordinator",
            [
                .. settings, "--run", _run.Run, "--listen", $"127.0.0.1:{_run.Port}",
                "--workers", "0", "--min-workers", "2",
            ],
            environment: null);
        await _run.UntilListens();
        RunningProgram[] workers = [_run.Worker("a"), _run.Worker("b")];
        Assert.True(await coordinator.ExitCodeAsync() == 0, coordinator.Error);
        Assert.Equal(SmallRun.Hash(local), SmallRun.Hash(coordinator));
        foreach (RunningProgram worker in workers)
        {
            Assert.True(await worker.ExitCodeAsync() == 0, worker.Error);
        }
    }

    /// <summary>Both are told apart by everybody, the status too, which is asked over the network.</summary>
    [Fact]
    public async Task TwoWorkersOfOneName_GetNamesOfTheirOwn()
    {
        RunningProgram coordinator = _run.Coordinator(["--steps", "1000000", "--workers", "0", "--min-workers", "2"]);
        await _run.UntilListens();
        RunningProgram first = _run.Worker("beta");
        await coordinator.UntilSaid("beta joined, 1 of 2; waiting for 1 more");
        RunningProgram second = _run.Worker("beta");
        await coordinator.UntilSaid("beta-2");
        await _run.UntilSteps(5);
        using RunningProgram status = new("coordinator", ["status", "--run", _run.Run, "--json"], environment: null);
        Assert.True(await status.ExitCodeAsync() == 0, status.Error);
        RunningProgram.Signal(coordinator.Id, "-INT");
        System.Text.Json.Nodes.JsonArray members = status.Result["members"]!.AsArray();
        string[] names = [.. members.Select(worker => (string)worker!["name"]!).Order()];
        Assert.Equal(["beta", "beta-2"], names);
        Assert.All(members, worker => Assert.Equal("member", (string)worker!["kind"]!));
        Assert.All(members, worker => Assert.True((double)worker!["computeSeconds"]! > 0));
        Assert.True(await coordinator.ExitCodeAsync() == 130, coordinator.Error);
        Assert.Equal(0, await first.ExitCodeAsync());
        Assert.Equal(0, await second.ExitCodeAsync());
    }

    /// <summary>Answers every connection with text.</summary>
    private sealed class Impostor : IDisposable
    {
        private static readonly byte[] s_answer = Encoding.ASCII.GetBytes("HTTP/1.1 400 Bad Request\r\n\r\n");
        private readonly TcpListener _listener;

        public Impostor(int port)
        {
            _listener = new TcpListener(IPAddress.Loopback, port);
            _listener.Start();
            _ = AnswerAsync();
        }

        public void Dispose() => _listener.Dispose();

        private async Task AnswerAsync()
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync();
                    await client.GetStream().WriteAsync(s_answer);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException or IOException)
            {
                // The test is over, or a caller has gone.
            }
        }
    }
}
