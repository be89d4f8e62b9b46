using System.Diagnostics;

namespace Distributed.Deploy.Tests.Harness;

/// <summary>What a program left behind.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Error)
{
    public override string ToString() => $"exit {ExitCode}\n--- output\n{Output}\n--- error\n{Error}";
}

/// <summary>Runs programs to their end.</summary>
internal static class Shell
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(8);

    /// <summary>The coordinator of this build.</summary>
    public static string Coordinator => Path.Combine(AppContext.BaseDirectory, "coordinator");

    /// <summary>The worker of this build.</summary>
    public static string Worker => Path.Combine(AppContext.BaseDirectory, "worker");

    /// <summary>Runs a script in a folder.</summary>
    public static Task<ProgramResult> BashAsync(
        string folder, string script, IReadOnlyDictionary<string, string>? environment = null) =>
        RunAsync(folder, environment, "bash", "-c", script);

    /// <summary>Runs a program in a folder.</summary>
    public static Task<ProgramResult> RunAsync(string folder, string program, params string[] arguments) =>
        RunAsync(folder, null, program, arguments);

    /// <summary>Runs a program in a folder, with more variables in its environment.</summary>
    public static async Task<ProgramResult> RunAsync(
        string folder, IReadOnlyDictionary<string, string>? environment, string program, params string[] arguments)
    {
        using Process process = Start(folder, environment, program, arguments);
        using CancellationTokenSource patience = new(s_patience);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
            Task<string> error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return new ProgramResult(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Starts a program; the caller reads what it says.</summary>
    public static Process Start(
        string folder, IReadOnlyDictionary<string, string>? environment, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What a test host is told is not for the programs that it starts.
        foreach (string name in start.Environment.Keys.Where(name =>
            name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
