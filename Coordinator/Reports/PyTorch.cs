using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Distributed.Coordinator.Reports;

/// <summary>PyTorch, where this machine has it: what the reports compare with.</summary>
internal static class PyTorch
{
    /// <summary>What to say where it is not.</summary>
    public const string Missing = "PyTorch is not here (python3 -c 'import torch' fails)";

    private static readonly Lazy<string?> s_python = new(() => Array.Find(
        ["python3", "/usr/bin/python3"], python => Run(python, "import torch", [], null, default) is not null));

    /// <summary>Runs a script.</summary>
    /// <param name="script">Python's text.</param>
    /// <param name="arguments">Its sys.argv[1:].</param>
    /// <param name="write">Writes its standard input; null for none.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>Its standard output; null if there is no PyTorch here, or the script failed or was ended.</returns>
    public static string? Run(
        string script, IReadOnlyList<string> arguments, Action<Stream>? write, CancellationToken stop) =>
        s_python.Value is { } python ? Run(python, script, arguments, write, stop) : null;

    /// <summary>Writes floats as they lie in memory, which is how torch.frombuffer reads them.</summary>
    public static void Write(Stream stream, ReadOnlySpan<float> values) =>
        stream.Write(MemoryMarshal.AsBytes(values));

    private static string? Run(
        string python, string script, IReadOnlyList<string> arguments, Action<Stream>? write, CancellationToken stop)
    {
        try
        {
            ProcessStartInfo start = new(python, ["-c", script, .. arguments])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process process = Process.Start(start)!;
            using CancellationTokenRegistration ending = stop.Register(process.Kill);
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            using (Stream input = process.StandardInput.BaseStream)
            {
                write?.Invoke(input);
            }

            process.WaitForExit();
            return process.ExitCode == 0 ? output.Result : null;
        }
        catch (Exception exception) when (exception is Win32Exception or IOException)
        {
            return null; // No such program; or it ended before it had read all.
        }
    }
}
