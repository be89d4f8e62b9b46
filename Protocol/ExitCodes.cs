namespace Distributed.Protocol;

/// <summary>What the programs end with. Scripts rely on these numbers: they never change their meaning.</summary>
public static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>Failed for a reason that has no number of its own.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong; nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>Data or configuration are bad or do not fit each other.</summary>
    public const int BadInput = 3;

    /// <summary>Cannot join, or is not authorized to.</summary>
    public const int CannotJoin = 4;

    /// <summary>The two ends are of different versions.</summary>
    public const int VersionMismatch = 5;

    /// <summary>No valid checkpoint, although some are there.</summary>
    public const int NoValidCheckpoint = 6;

    /// <summary>The disk is full.</summary>
    public const int DiskFull = 7;

    /// <summary>Stopped by Ctrl+C (128 + SIGINT).</summary>
    public const int Interrupted = 130;

    /// <summary>Stopped by SIGTERM (128 + 15).</summary>
    public const int Terminated = 143;
}
