using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Distributed.Protocol.Cluster;

namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>What a process left behind.</summary>
internal sealed record ProcessResult(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of standard error.</summary>
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Everything, for a failing test.</summary>
    public override string ToString() => $"exit {ExitCode}\n--- output\n{Output}\n--- error\n{Error}";
}

/// <summary>The program as its users run it: a process of its own, ended by nothing but its own id.</summary>
internal sealed partial class CoordinatorProcess : IDisposable
{
    private const int Interrupt = 2;
    private const int Terminate = 15;
    private static readonly int s_pause = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int s_continue = OperatingSystem.IsMacOS() ? 19 : 18;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_patienceForLargeData = TimeSpan.FromMinutes(Scale.Of(small: 5, full: 30));

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private CoordinatorProcess(string folder, IReadOnlyDictionary<string, string>? environment, string[] arguments)
    {
        ProcessStartInfo start = new("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "coordinator.dll"));
        Array.ForEach(arguments, start.ArgumentList.Add);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Standard error so far.</summary>
    public string Error
    {
        get
        {
            lock (_error)
            {
                return _error.ToString();
            }
        }
    }

    /// <summary>Whether it still runs.</summary>
    public bool IsRunning => !_process.HasExited;

    /// <summary>Its number.</summary>
    public int Id => _process.Id;

    /// <summary>Starts the program in a folder.</summary>
    public static CoordinatorProcess Start(string folder, params string[] arguments) => new(folder, null, arguments);

    /// <summary>Runs the program to its end, and looks at the most memory that it ever had, in bytes.</summary>
    public static async Task<(ProcessResult Result, long PeakBytes)> MeasureAsync(
        string folder, IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        using CoordinatorProcess process = new(folder, environment, arguments);
        Task<ProcessResult> end = process.EndAsync(s_patienceForLargeData);
        long peak = 0;
        for (; !end.IsCompleted; await Task.Delay(20))
        {
            peak = Math.Max(peak, process.PeakBytes());
        }

        return (await end, peak);
    }

    /// <summary>Runs the program to its end.</summary>
    public static Task<ProcessResult> RunAsync(string folder, params string[] arguments) =>
        RunAsync(folder, null, arguments);

    /// <summary>Runs the program to its end, with more environment variables.</summary>
    public static async Task<ProcessResult> RunAsync(
        string folder, IReadOnlyDictionary<string, string>? environment, string[] arguments)
    {
        using CoordinatorProcess process = new(folder, environment, arguments);
        return await process.EndAsync();
    }

    /// <summary>As Ctrl+C does.</summary>
    public void SendInterrupt() => Assert.Equal(0, Kill(_process.Id, Interrupt));

    /// <summary>As service managers do.</summary>
    public void SendTerminate() => Assert.Equal(0, Kill(_process.Id, Terminate));

    /// <summary>SIGSTOP: nothing of it runs until <see cref="Continue"/>.</summary>
    public void Pause() => Assert.Equal(0, Kill(_process.Id, s_pause));

    /// <summary>SIGCONT.</summary>
    public void Continue() => Assert.Equal(0, Kill(_process.Id, s_continue));

    /// <summary>kill -9: nothing of it runs any more.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await EndAsync();
    }

    /// <summary>Waits for its end.</summary>
    public Task<ProcessResult> EndAsync() => EndAsync(s_patience);

    private async Task<ProcessResult> EndAsync(TimeSpan longest)
    {
        using CancellationTokenSource patience = new(longest);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"Process {_process.Id} hangs.\n{Error}");
        }

        lock (_output)
        {
            lock (_error)
            {
                return new ProcessResult(_process.ExitCode, _output.ToString(), _error.ToString());
            }
        }
    }

    /// <summary>Waits until something is so; fails when the process ends before.</summary>
    public async Task WaitUntilAsync(Func<bool> isSo)
    {
        long began = Stopwatch.GetTimestamp();
        while (!isSo())
        {
            Assert.True(IsRunning, $"The process ended too early.\n{Error}");
            Assert.True(Stopwatch.GetElapsedTime(began) < s_patience, $"Nothing happens.\n{Error}");
            await Task.Delay(5);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (IsRunning)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    /// <summary>What Linux has noted of the process so far; 0 once it is gone.</summary>
    private long PeakBytes()
    {
        try
        {
            string line = File.ReadLines($"/proc/{Id}/status")
                .First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1].Trim());
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            return 0;
        }
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.Append(line).Append('\n');
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
