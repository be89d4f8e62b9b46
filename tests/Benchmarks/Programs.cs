using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Distributed.Benchmarks;

/// <summary>Starts the programs that are compared.</summary>
internal static class Programs
{
    /// <summary>Where PyTorch is.</summary>
    public const string Python = "/usr/bin/python3";
    private const double RivalSeconds = 4;

    /// <summary>Our program without its command: <c>dotnet coordinator.dll</c> and the like.</summary>
    public static string Library(string name) => Path.Combine(AppContext.BaseDirectory, name + ".dll");

    /// <summary>Runs rival.py; images/s.</summary>
    public static double RunRival(string model, int batch, int threads, int processes = 1)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "rival.py");
        string[] arguments =
        [
            script, model, $"{batch}", $"{threads}", RivalSeconds.ToString(CultureInfo.InvariantCulture),
            .. processes > 1 ? ["ddp", $"{processes}"] : Array.Empty<string>(),
        ];
        return TryRun(Python, arguments, out string output)
            ? double.Parse(output, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException("PyTorch failed.");
    }

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
