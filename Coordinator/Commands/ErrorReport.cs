using System.Text.Json.Nodes;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;

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

            if (inner is AccessException access)
            {
                return new ErrorReport(access.ExitCode, OneLine(access.Message), OneLine(access.Remedy));
            }

            if (inner is ReportedException reported)
            {
                int code = reported switch
                {
                    CheckpointException => ExitCodes.NoValidCheckpoint,
                    NotBegunException => ExitCodes.Interrupted,
                    TrainingException or RunLostException => ExitCodes.Failed,
                    _ => ExitCodes.BadInput,
                };
                return FindDiskFull(reported)
                    ?? new ErrorReport(code, OneLine(reported.CommandLine.Cause), OneLine(reported.CommandLine.Remedy));
            }
        }

        Exception root = exception is AggregateException { InnerExceptions: [Exception only] } ? only : exception;
        ActorFailedException? actor = root as ActorFailedException;
        Exception cause = actor?.InnerException ?? root;
        string where = actor is null ? "" : $"{actor.Name} failed: ";
        if (cause is IOException or UnauthorizedAccessException)
        {
            string line = where + OneLine(cause.Message);
            return new ErrorReport(ExitCodes.Failed, line, "Check that the path exists and may be written.");
        }

        // A state of our own that is broken is found by where it broke.
        bool showsStack = actor is not null || cause is InvariantException;
        return new ErrorReport(
            ExitCodes.Failed,
            $"{where}{cause.GetType().Name}: {OneLine(cause.Message)}",
            showsStack
                ? "This should not happen: report it to the project with the lines below. The run can be resumed."
                : "This should not happen: run again with DISTRIBUTED_DEBUG=1 and report what it prints.")
        {
            ShowsStack = showsStack,
        };
    }

    /// <summary>Whether the stack is shown without being asked for.</summary>
    public bool ShowsStack { get; init; }

    /// <summary>Writes both lines; on request, or if it is all that helps, the stack too.</summary>
    public void Write(TextWriter writer, Exception? exception, bool isDebug)
    {
        writer.WriteLine(Cause);
        writer.WriteLine(Remedy);
        if ((isDebug || ShowsStack) && exception is not null)
        {
            writer.WriteLine(exception);
        }
    }

    /// <summary>One JSON object on one line, for <c>--json</c>.</summary>
    public string ToJson() => new JsonObject
    {
        ["error"] = Cause,
        ["remedy"] = Remedy,
        ["exitCode"] = ExitCode,
    }.ToJsonString();

    private static ErrorReport? FindDiskFull(ReportedException reported) =>
        reported.InnerException is { } inner && Of(inner) is { ExitCode: ExitCodes.DiskFull } report ? report : null;

    private static string OneLine(string text) =>
        string.Join(' ', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
