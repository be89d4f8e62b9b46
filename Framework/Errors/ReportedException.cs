using System.Text.RegularExpressions;

namespace Distributed.Framework.Errors;

/// <summary>A fault that a user can fix: the message says what and where, the remedy what to do.</summary>
/// <remarks>Settings are written as options, <c>--range 0:4095</c>, and lose their dashes in the message.</remarks>
public abstract partial class ReportedException : Exception
{
    /// <param name="cause">What is wrong and where: one line.</param>
    /// <param name="remedy">What to do about it: one line.</param>
    /// <param name="inner">What was caught, if anything.</param>
    protected ReportedException(string cause, string remedy, Exception? inner = null)
        : base(DashesPattern().Replace(cause, ""), inner)
    {
        Remedy = DashesPattern().Replace(remedy, "");
        CommandLine = (cause, remedy);
    }

    /// <summary>What to do about it: one line.</summary>
    public string Remedy { get; }

    /// <summary>Message and remedy for people who set everything by options.</summary>
    public (string Cause, string Remedy) CommandLine { get; }

    [GeneratedRegex(@"(?<=^|[\s(,])--(?=[a-z])")]
    private static partial Regex DashesPattern();
}

/// <summary>A data or weights file is missing, damaged, malicious or of the wrong kind.</summary>
public sealed class DataException(string cause, string remedy, Exception? inner = null)
    : ReportedException(cause, remedy, inner);

/// <summary>Options contradict each other, a model, or an earlier run.</summary>
public sealed class ConfigurationException(string cause, string remedy, Exception? inner = null)
    : ReportedException(cause, remedy, inner);

/// <summary>A layer cannot take the input it would get; the message names its path and both shapes.</summary>
public sealed class ShapeException(string cause, string remedy) : ReportedException(cause, remedy);

/// <summary>No valid checkpoint, although some are there.</summary>
public sealed class CheckpointException(string cause, string remedy, Exception? inner = null)
    : ReportedException(cause, remedy, inner);

/// <summary>Training cannot go on: its numbers are no longer finite.</summary>
public sealed class TrainingException(string cause, string remedy) : ReportedException(cause, remedy);
