using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary>What a user gets to see of a fault, and what the program ends with.</summary>
/// <param name="ExitCode">One of <see cref="ExitCodes"/>.</param>
/// <param name="Cause">First line: what is wrong, and where.</param>
/// <param name="Remedy">Second line: what to do.</param>
internal sealed record ErrorReport(int ExitCode, string Cause, string Remedy)
{
    /// <summary>Describes a fault by the innermost part of it that is meant for users.</summary>
    public static ErrorReport Of(Exception exception)
    {
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is IOException io && AtomicFile.IsDiskFull(io))
            {
                return new ErrorReport(
                    ExitCodes.DiskFull,
                    $"The disk is full: {OneLine(io.Message)}",
                    "Free space, or go on elsewhere; what was saved before is whole (train: --run DIR --resume).");
            }

            if (inner is ReportedException reported)
            {
                int code = reported switch
                {
                    CheckpointException => ExitCodes.NoValidCheckpoint,
                    TrainingException => ExitCodes.Failed,
                    _ => ExitCodes.BadInput,
                };
                return FindDiskFull(reported)
                    ?? new ErrorReport(code, OneLine(reported.Message), OneLine(reported.Remedy));
            }
        }

        Exception root = exception is AggregateException { InnerExceptions: [Exception only] } ? only : exception;
        return root is IOException or UnauthorizedAccessException
            ? new ErrorReport(ExitCodes.Failed, OneLine(root.Message), "Check that the path exists and may be written.")
            : new ErrorReport(
                ExitCodes.Failed,
                $"{root.GetType().Name}: {OneLine(root.Message)}",
                "This should not happen: run again with DISTRIBUTED_DEBUG=1 and report what it prints to the project.");
    }

    /// <summary>Writes both lines; on request the stack too.</summary>
    public void Write(TextWriter writer, Exception? exception, bool isDebug)
    {
        writer.WriteLine(Cause);
        writer.WriteLine(Remedy);
        if (isDebug && exception is not null)
        {
            writer.WriteLine(exception);
        }
    }

    private static ErrorReport? FindDiskFull(ReportedException reported) =>
        reported.InnerException is { } inner && Of(inner) is { ExitCode: ExitCodes.DiskFull } report ? report : null;

    private static string OneLine(string text) =>
        string.Join(' ', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
