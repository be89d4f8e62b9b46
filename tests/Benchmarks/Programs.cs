using System.Diagnostics;
using System.Text.Json;

namespace Distributed.Benchmarks;

/// <summary>Starts the programs that are compared.</summary>
internal static class Programs
{
    /// <summary>Our program without its command: <c>dotnet coordinator.dll</c> and the like.</summary>
    public static string Library(string name) => Path.Combine(AppContext.BaseDirectory, name + ".dll");

    /// <summary>The summary at the end of a training run's output.</summary>
    public static JsonElement Summary(string output)
    {
        using JsonDocument json = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]);
        return json.RootElement.Clone();
    }

    /// <summary>The middle one.</summary>
    public static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>Runs a program to its end; true if it is content.</summary>
    public static bool TryRun(string program, IEnumerable<string> arguments, out string output)
    {
        using Process process = Start(program, arguments);
        return TryEnd(process, out output);
    }

    /// <summary>Starts a program with its output redirected.</summary>
    public static Process Start(string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Without these, glibc gives large blocks back at once and PyTorch pays for page faults.
        start.Environment["MALLOC_TRIM_THRESHOLD_"] = "1073741824";
        start.Environment["MALLOC_MMAP_THRESHOLD_"] = "1073741824";
        return Process.Start(start)!;
    }

    /// <summary>Runs a program to its end; its output and its peak memory in bytes.</summary>
    public static (string Output, double Bytes) RunWatched(string program, IEnumerable<string> arguments)
    {
        using Process process = Start(program, arguments);
        long bytes = 0;
        using Timer timer = new(
            _ =>
            {
                try
                {
                    process.Refresh();
                    bytes = Math.Max(bytes, process.PeakWorkingSet64);
                }
                catch (InvalidOperationException)
                {
                    // It has ended.
                }
            },
            null,
            TimeSpan.Zero,
            TimeSpan.FromMilliseconds(50));
        return TryEnd(process, out string output)
            ? (output, bytes)
            : throw new InvalidOperationException($"{program} failed.");
    }

    /// <summary>Waits for its end; true if it is content.</summary>
    public static bool TryEnd(Process process, out string output)
    {
        Task<string> errors = process.StandardError.ReadToEndAsync();
        output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            Console.Error.WriteLine(errors.Result);
        }

        return process.ExitCode == 0;
    }
}
