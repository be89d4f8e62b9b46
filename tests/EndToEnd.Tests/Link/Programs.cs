using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Distributed.Protocol.Cluster;

namespace Distributed.EndToEnd.Tests.Link;

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
    public static async Task Until(Func<Task<bool>> holds, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"{what} did not come to pass");
            await Task.Delay(20);
        }
    }

    public Task UntilSaid(string text) => Until(
        () => Task.FromResult(Error.Contains(text, StringComparison.Ordinal)), $"'{text}', but: {Error}");

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

    private readonly List<RunningProgram> _programs = [];
#pragma warning disable CA5359 // Asks a coordinator of the test's own on this machine how far it is.
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    });
#pragma warning restore CA5359

    public SmallRun()
    {
        Folder = Directory.CreateTempSubdirectory("distributed-link-").FullName;
        using Socket probe = new(SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        Port = ((IPEndPoint)probe.LocalEndPoint!).Port;
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
            ["train", "--run", Run, "--listen", $"{host}:{Port}", .. Configuration, .. arguments],
            environment);
        _programs.Add(program);
        return program;
    }

    /// <summary>A sweep of the same model, in the same folder and at the same port.</summary>
    public RunningProgram Sweep(IEnumerable<string> arguments)
    {
        RunningProgram program = new(
            "coordinator",
            ["sweep", "--run", Run, "--listen", $"127.0.0.1:{Port}", .. Configuration, .. arguments],
            null);
        _programs.Add(program);
        return program;
    }

    public RunningProgram Worker(
        string name,
        string? tokenFile = null,
        string scheme = "http",
        IReadOnlyDictionary<string, string>? environment = null,
        IEnumerable<string>? arguments = null)
    {
        RunningProgram program = new(
            "worker",
            [
                "--join", $"{scheme}://localhost:{Port}", "--threads", "1", "--name", name,
                .. environment?.ContainsKey("DISTRIBUTED_TOKEN") == true
                    ? Array.Empty<string>() : ["--token-file", tokenFile ?? TokenFile],
                .. arguments ?? [],
            ],
            environment);
        _programs.Add(program);
        return program;
    }

    /// <summary>The weights of the same configuration with local workers only, in a folder of their own.</summary>
    public async Task<string> LocalHashAsync(IEnumerable<string> arguments)
    {
        using RunningProgram local = new(
            "coordinator",
            [
                "train", "--run", Path.Combine(Folder, "local"), "--workers", "2", "--listen", "127.0.0.1:0",
                .. Configuration, .. arguments,
            ],
            null);
        Assert.True(await local.ExitCodeAsync() == 0, local.Error);
        return Hash(local);
    }

    public static string Hash(RunningProgram coordinator) => (string)coordinator.Result["weightsSha256"]!;

    /// <summary>Whether the coordinator listens.</summary>
    public async Task<bool> ListensAsync(string scheme = "http")
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(new Uri($"{scheme}://localhost:{Port}/healthz"));
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>One value of /metrics; 0 if the coordinator is not there.</summary>
    public async Task<double> MetricAsync(string name, string scheme = "http")
    {
        try
        {
            string token = await File.ReadAllTextAsync(Path.Combine(Run, "secrets", "view.token"));
            using HttpRequestMessage request = new(HttpMethod.Get, $"{scheme}://localhost:{Port}/metrics");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Trim().Split("::")[1]);
            using HttpResponseMessage answer = await _http.SendAsync(request);
            string text = await answer.Content.ReadAsStringAsync();
            string? line = text.Split('\n').FirstOrDefault(
                line => line.StartsWith(name + " ", StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return 0;
        }
    }

    public Task UntilSteps(int steps, string scheme = "http") => RunningProgram.Until(
        async () => await MetricAsync("distributed_steps_total", scheme) >= steps, $"step {steps}");

    public Task UntilListens(string scheme = "http") =>
        RunningProgram.Until(() => ListensAsync(scheme), "listening");

    public void Dispose()
    {
        _programs.ForEach(program => program.Dispose());
        _http.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
