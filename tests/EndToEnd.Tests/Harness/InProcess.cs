using Distributed.Coordinator.Commands;

namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>The program without a process of its own, which takes seconds to start: for many short runs.</summary>
internal static class InProcess
{
    /// <summary>Trains in a run folder of its own below a folder, unless the arguments name one.</summary>
    public static Task<ProcessResult> RunAsync(TestFolder folder, params string[] arguments) =>
        RunAsync(arguments.Contains("--run") ? arguments : [.. arguments, "--run", folder[$"run-{Guid.NewGuid():N}"]]);

    /// <summary>Runs a command to its end.</summary>
    /// <param name="arguments">As on the command line; paths are absolute, since there is no folder to be in.</param>
    public static async Task<ProcessResult> RunAsync(string[] arguments)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        TextWriter anyThread = TextWriter.Synchronized(error);
        using StopSignals signals = new(anyThread);
        int exitCode = await CommandLine.RunAsync(
            arguments, new CommandContext { Output = output, Error = anyThread }, signals);
        return new ProcessResult(exitCode, output.ToString(), error.ToString());
    }
}
