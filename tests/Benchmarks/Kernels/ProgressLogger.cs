using BenchmarkDotNet.Loggers;

namespace Distributed.Benchmarks.Kernels;

/// <summary>Of all that BenchmarkDotNet says while it runs: a dot for each benchmark, errors and exceptions.</summary>
internal sealed class ProgressLogger : ILogger
{
    /// <summary>Said as errors, but none: nothing is exported, and only root may raise a priority.</summary>
    private static readonly string[] s_remarks = ["No exporters defined", "Failed to set up priority"];

    /// <inheritdoc/>
    public string Id => nameof(ProgressLogger);

    /// <inheritdoc/>
    public int Priority => 0;

    /// <inheritdoc/>
    public void Write(LogKind logKind, string text)
    {
        if (IsFault(logKind, text))
        {
            Console.Error.Write(text);
        }
    }

    /// <inheritdoc/>
    public void WriteLine()
    {
    }

    /// <inheritdoc/>
    public void WriteLine(LogKind logKind, string text)
    {
        if (IsFault(logKind, text))
        {
            Console.Error.WriteLine(text);
        }
        else if (text.StartsWith("// Benchmark: ", StringComparison.Ordinal))
        {
            Console.Error.Write('.');
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <summary>What a benchmark throws is said as if it were a result.</summary>
    private static bool IsFault(LogKind logKind, string text) =>
        (logKind == LogKind.Error && !s_remarks.Any(text.Contains))
        || text.Contains("Exception: ", StringComparison.Ordinal);
}
