using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Distributed.Benchmarks;

/// <summary>Trains with this project and with PyTorch in turn, and prints the ratio of the medians.</summary>
/// <remarks>
/// Ours is the public way: the program itself, its data, its actors, its optimizer. Alternating runs in one go, so that
/// a drifting clock or a busy neighbour meets both.
/// </remarks>
internal static class Program
{
    private const string Python = "/usr/bin/python3";
    private const int Rounds = 5;
    private const double RivalSeconds = 4;

    private static readonly (string Model, int Batch, int Steps)[] s_cases =
        [("n2n-final", 8, 40), ("n2n-final", 32, 10), ("n2n-initial", 50, 80)];

    private static int Main()
    {
        bool hasRival = TryRun(Python, ["-c", "import torch"], out _);
        if (!hasRival)
        {
            Console.WriteLine($"PyTorch is missing ({Python} -c 'import torch'): ours alone.");
        }

        Console.WriteLine("| training step | threads | ours, images/s | PyTorch, images/s | ratio |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach ((string model, int batch, int steps) in s_cases)
        {
            foreach (int threads in new[] { 1, 2 })
            {
                List<double> ours = [];
                List<double> rivals = [];
                for (int round = 0; round < Rounds; round++)
                {
                    ours.Add(RunOurs(model, batch, steps * threads, threads));
                    rivals.Add(hasRival ? RunRival(model, batch, threads) : double.NaN);
                }

                (double a, double b) = (Median(ours), Median(rivals));
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {model}, batch {batch} | {threads} | {a:F1} | {b:F1} | {a / b:F2} |"));
            }
        }

        return 0;
    }

    private static double RunOurs(string model, int batch, int steps, int threads)
    {
        string folder = Directory.CreateTempSubdirectory("benchmark").FullName;
        string program = Path.Combine(AppContext.BaseDirectory, "coordinator.dll");
        string[] arguments =
        [
            program, "train", "--model", model, "--batch", $"{batch}", "--steps", $"{steps}", "--workers", $"{threads}",
            "--threads", "1", "--run", Path.Combine(folder, "run"), "--json",
        ];
        if (!TryRun("dotnet", arguments, out string output))
        {
            throw new InvalidOperationException("The training run failed.");
        }

        Directory.Delete(folder, recursive: true);
        using JsonDocument json = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]);
        return json.RootElement.GetProperty("imagesPerSecond").GetDouble();
    }

    private static double RunRival(string model, int batch, int threads)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "rival.py");
        string[] arguments =
            [script, model, $"{batch}", $"{threads}", RivalSeconds.ToString(CultureInfo.InvariantCulture)];
        return TryRun(Python, arguments, out string output)
            ? double.Parse(output, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException("PyTorch failed.");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static bool TryRun(string program, IEnumerable<string> arguments, out string output)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Without these, glibc gives large blocks back at once and PyTorch pays for page faults.
        start.Environment["MALLOC_TRIM_THRESHOLD_"] = "1073741824";
        start.Environment["MALLOC_MMAP_THRESHOLD_"] = "1073741824";
        using Process process = Process.Start(start)!;
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
