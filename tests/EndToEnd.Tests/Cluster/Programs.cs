using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>A program of ours as a process of its own, with all that it says.</summary>
internal sealed class RunningProgram : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _error = new();

    public RunningProgram(string name, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, name), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("DISTRIBUTED_TOKEN");
        start.Environment["NO_COLOR"] = "1";
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _error.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Error => string.Join('\n', _error);

    public string Output => string.Join('\n', _output);

    /// <summary>The last line of standard output.</summary>
    public JsonNode Result => JsonNode.Parse(_output.Last(line => line.StartsWith('{')))!;

    public static void Signal(int process, string signal)
    {
        using Process kill = Process.Start("kill", [signal, process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public void KillHard()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public async Task<int> ExitCodeAsync()
    {
        using CancellationTokenSource timeout = new(s_patience);
        await _process.WaitForExitAsync(timeout.Token);
        return _process.ExitCode;
    }

    /// <summary>Waits for something that has no event of its own.</summary>
    public static Task Until(Func<Task<bool>> holds, string what) => Until(holds, () => what);

    /// <summary>The same, where what is missing is put into words only when it did not come.</summary>
    public static async Task Until(Func<Task<bool>> holds, Func<string> what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"{what()} did not come to pass");
            await Task.Delay(20);
        }
    }

    public Task UntilSaid(string text) => Until(
        () => Task.FromResult(Error.Contains(text, StringComparison.Ordinal)), () => $"'{text}', but: {Error}");

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            KillHard();
        }

        _process.Dispose();
    }
}

/// <summary>A run of a small model, with a folder and a port of its own.</summary>
internal sealed class SmallRun : IDisposable
{
    public static readonly string[] Configuration =
    [
        "--model", "n2n-final:channels=16", "--limit", "320", "--batch", "32", "--shard", "4", "--lr", "0.002",
        "--json",
    ];

    private const string HttpLine = "Health and metrics: ";
    private readonly List<RunningProgram> _programs = [];
    private readonly HttpClient _http = new();
    private RunningProgram? _coordinator;

    public SmallRun()
    {
        Folder = Directory.CreateTempSubdirectory("distributed-link-").FullName;
        Port = FreePort();
    }

    public string Folder { get; }

    public int Port { get; }

    public string Run => Path.Combine(Folder, "run");

    public string TokenFile => Path.Combine(Run, "secrets", "join.token");

    public RunningProgram Coordinator(
        IEnumerable<string> arguments,
        string host = "127.0.0.1",
        IReadOnlyDictionary<string, string>? environment = null)
    {
        RunningProgram program = new(
            "coordinator",
            [
                "train", "--run", Run, "--listen", $"{host}:{Port}", "--http", "127.0.0.1:0",
                .. Configuration, .. arguments,
            ],
            environment);
        _programs.Add(program);
        return _coordinator = program;
    }

    /// <summary>A sweep of the same model, in the same folder and at the same port.</summary>
    public RunningProgram Sweep(IEnumerable<string> arguments)
    {
        RunningProgram program = new(
            "coordinator",
            [
                "sweep", "--run", Run, "--listen", $"127.0.0.1:{Port}", "--http", "127.0.0.1:0",
                .. Configuration, .. arguments,
            ],
            null);
        _programs.Add(program);
        return _coordinator = program;
    }

    public RunningProgram Worker(
        string name,
        string? tokenFile = null,
        IReadOnlyDictionary<string, string>? environment = null,
        IEnumerable<string>? arguments = null,
        string? join = null)
    {
        RunningProgram program = new(
            "worker",
            [
                "--join", join ?? $"localhost:{Port}", "--threads", "1", "--name", name,
                .. environment?.ContainsKey("DISTRIBUTED_TOKEN") == true
                    ? Array.Empty<string>() : ["--token-file", tokenFile ?? TokenFile],
                .. arguments ?? [],
            ],
            environment);
        _programs.Add(program);
        return program;
    }

    /// <summary>A port that nobody listens at now.</summary>
    public static int FreePort()
    {
        using Socket probe = new(SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    /// <summary>The weights of the same configuration with local workers only, in a folder of their own.</summary>
    public async Task<string> LocalHashAsync(IEnumerable<string> arguments)
    {
        ProcessResult local = await InProcess.RunAsync(
            ["train", "--run", Path.Combine(Folder, "local"), "--workers", "2", .. Configuration, .. arguments]);
        return Runs.Sha(local);
    }

    public static string Hash(RunningProgram coordinator) => (string)coordinator.Result["weightsSha256"]!;

    /// <summary>Steps that the run has recorded.</summary>
    public int StepsDone()
    {
        string path = Path.Combine(Run, "metrics.jsonl");
        if (!File.Exists(path))
        {
            return 0;
        }

        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(file);
        return reader.ReadToEnd().Split('\n').Count(line => line.Contains("\"step\"", StringComparison.Ordinal));
    }

    /// <summary>Until the run has come so far: /metrics says it at once, the records a second later.</summary>
    public Task UntilSteps(int steps) => RunningProgram.Until(
        async () => await MetricAsync("distributed_step") >= steps || StepsDone() >= steps, $"step {steps}");

    /// <summary>Until the coordinator listens; its token is there by then.</summary>
    public Task UntilListens() => RunningProgram.Until(
        async () =>
        {
            try
            {
                using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, Port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        },
        "listening");

    /// <summary>What /metrics says; null if the coordinator is not there.</summary>
    public async Task<string?> ScrapeAsync()
    {
        string? said = _coordinator?.Error.Split('\n').FirstOrDefault(
            line => line.StartsWith(HttpLine, StringComparison.Ordinal));
        if (said is null)
        {
            return null;
        }

        try
        {
            string token = await File.ReadAllTextAsync(Path.Combine(Run, "secrets", "view.token"));
            using HttpRequestMessage request = new(HttpMethod.Get, $"{said[HttpLine.Length..]}/metrics");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Trim());
            using HttpResponseMessage answer = await _http.SendAsync(request);
            return answer.StatusCode == HttpStatusCode.OK ? await answer.Content.ReadAsStringAsync() : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return null;
        }
    }

    /// <summary>One value of /metrics, by its name and perhaps its labels; null if it is not there.</summary>
    public async Task<double?> MetricAsync(string name)
    {
        string start = (name.Contains('{', StringComparison.Ordinal) ? name : name + "{}") + " ";
        string? line = (await ScrapeAsync())?.Split('\n').FirstOrDefault(
            line => line.StartsWith(start, StringComparison.Ordinal));
        return line is null ? null : double.Parse(line[start.Length..], CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _programs.ForEach(program => program.Dispose());
        _http.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
