using System.Net.Sockets;
using System.Text;
using Distributed.Deploy.Tests.Harness;

namespace Distributed.Deploy.Tests;

/// <summary>The units, their settings, and what the coordinator tells systemd.</summary>
public sealed class SystemdTests
{
    private const string Folder = "deploy/systemd";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private static readonly string[] s_units = ["distributed-coordinator.service", "distributed-worker@.service"];

    [FactWith(Need.SystemdAnalyze)]
    public async Task Units_AreVerified()
    {
        using TestFolder folder = new();
        foreach (string unit in s_units)
        {
            // As if the programs were where the unit has them.
            File.WriteAllText(folder[unit], Repository.Read($"{Folder}/{unit}")
                .Replace("/usr/local/bin", AppContext.BaseDirectory.TrimEnd('/'), StringComparison.Ordinal));
            ProgramResult result = await Shell.RunAsync(folder.Folder, "systemd-analyze", "verify", folder[unit]);
            Assert.True(result is { ExitCode: 0, Output: "", Error: "" }, $"{unit}: {result}");
        }
    }

    [Fact]
    public async Task Lines_AreTakenWithTheirSettings()
    {
        using TestFolder folder = new();
        Dictionary<string, string> train = Settings("coordinator.env");
        ProgramLine line = Line(s_units[0]).With(("${RUN}", folder["no-run-here"]));
        Assert.Contains("--resume=auto", line.Arguments);
        Assert.Contains("--or-standby", line.Arguments);
        await line.AssertIsTakenAsync(train);
        await Line(s_units[1]).With(("${CREDENTIALS_DIRECTORY}", "/run"), ("%H-%i", "machine-1"))
            .AssertIsTakenAsync(Settings("worker.env"));

        ProgramResult shown = await Shell.RunAsync(
            Path.GetTempPath(), train, Shell.Coordinator, [.. line.Arguments, "--show-config"]);
        Assert.Matches(
            @"--listen +0\.0\.0\.0:5500 +environment, DISTRIBUTED_TRAIN__LISTEN\n", shown.Output);
        Assert.Matches(@"--min-workers +1 +environment", shown.Output);
        Assert.Matches(@"--or-standby +true +command line\n", shown.Output);
        Assert.Matches(@"--batch +50 +default\n", shown.Output);
    }

    /// <summary>Ends that another start would not change are not tried again; a drain is no failure.</summary>
    [Fact]
    public void Units_KnowTheExitCodes()
    {
        Assert.All(s_units, unit => Assert.Equal("130 143", Value(unit, "SuccessExitStatus")));
        Assert.Equal("2 3 4 5 6", Value(s_units[0], "RestartPreventExitStatus"));
        Assert.Equal("2 5", Value(s_units[1], "RestartPreventExitStatus"));
        Assert.Equal("notify", Value(s_units[0], "Type"));
    }

    /// <summary>Goal: ready when it trains, alive meanwhile, stopping when told. Method: be systemd's socket.</summary>
    [Fact]
    public async Task Coordinator_TellsHowItIs()
    {
        using TestFolder folder = new();
        using Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(folder["notify"]));
        socket.ReceiveTimeout = 30_000;
        Dictionary<string, string> environment = new()
        {
            ["NOTIFY_SOCKET"] = folder["notify"],
            ["WATCHDOG_USEC"] = "200000",
        };
        using System.Diagnostics.Process process = Shell.Start(
            folder.Folder, environment, Shell.Coordinator,
            "train", "--run", "run", "--workers", "1", "--steps", "100000", "--checkpoint-every", "0",
            "--model", "n2n-initial:channels=8", "--limit", "64");
        _ = process.StandardOutput.ReadToEndAsync();
        _ = process.StandardError.ReadToEndAsync();
        List<string> said = [];
        Hear("WATCHDOG=1");
        Hear("READY=1\nSTATUS=Run folder");
        Hear("STATUS=step ");
        using (System.Diagnostics.Process kill = System.Diagnostics.Process.Start("kill", $"-TERM {process.Id}"))
        {
            await kill.WaitForExitAsync();
        }

        Hear("STOPPING=1");
        await process.WaitForExitAsync().WaitAsync(s_patience);
        Assert.Equal(143, process.ExitCode);

        void Hear(string text)
        {
            byte[] buffer = new byte[4096];
            long start = TimeProvider.System.GetTimestamp();
            while (!said.Any(line => line.Contains(text, StringComparison.Ordinal)))
            {
                said.Add(Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer)));
                Assert.True(
                    TimeProvider.System.GetElapsedTime(start) < s_patience,
                    $"'{text}', but: {string.Join(", ", said.Distinct())}");
            }
        }
    }

    private static string Value(string unit, string key) => Repository.Lines($"{Folder}/{unit}")
        .Single(line => line.StartsWith(key + "=", StringComparison.Ordinal))[(key.Length + 1)..];

    private static ProgramLine Line(string unit) => ProgramLine.Of(Value(unit, "ExecStart").Split(' '));

    /// <summary>All settings of a file, those that are commented out as well.</summary>
    private static Dictionary<string, string> Settings(string name) => Repository.Lines($"{Folder}/{name}")
        .Select(line => line.TrimStart('#'))
        .Where(line => line.StartsWith("DISTRIBUTED_", StringComparison.Ordinal))
        .Select(line => line.Split('=', 2))
        .ToDictionary(parts => parts[0], parts => parts[1]);
}
