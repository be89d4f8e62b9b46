namespace Distributed.Protocol.Messages;

/// <summary>What is said about a run as a whole. Closed: the constructor is of this assembly.</summary>
public abstract record RunMessage
{
    private protected RunMessage()
    {
    }
}

/// <summary>Asks how the run is getting on; answered by <see cref="RunStatus"/>.</summary>
public sealed record StatusRequest : RunMessage;

/// <summary>Asks to end the run for all, after the step at hand; answered by <see cref="StopAccepted"/>.</summary>
public sealed record StopRequest : RunMessage;

/// <summary>The run will end.</summary>
public sealed record StopAccepted : RunMessage;

/// <summary>How a worker takes part.</summary>
public enum WorkerKind
{
    /// <summary>In the coordinator's process.</summary>
    Local = 0,

    /// <summary>As a member of the cluster.</summary>
    Member = 1,

    /// <summary>By its channel alone, since it cannot be dialled.</summary>
    Peer = 2,
}

/// <summary>How a worker is getting on.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Host">Where it runs.</param>
/// <param name="Threads">Shards that it computes at once.</param>
/// <param name="Kind">How it takes part.</param>
/// <param name="State">In a word, for people.</param>
/// <param name="ShardsPerSecond">Of late.</param>
/// <param name="ComputeSeconds">In shards, over all its threads, since it joined.</param>
/// <param name="BytesIn">From it, since it joined.</param>
/// <param name="BytesOut">To it, since it joined.</param>
/// <param name="SecondsSinceHeard">Since its last sign of life.</param>
public sealed record WorkerStatus(
    string Name,
    string Host,
    int Threads,
    WorkerKind Kind,
    string State,
    double ShardsPerSecond,
    double ComputeSeconds,
    long BytesIn,
    long BytesOut,
    double SecondsSinceHeard);

/// <summary>How a run is getting on.</summary>
/// <remarks>Two of them are equal only if they share the workers: these are not compared by content.</remarks>
public sealed record RunStatus
{
    private readonly WorkerStatus[] _workers = [];

    /// <summary>Name of the run's folder.</summary>
    public required string Run { get; init; }

    /// <summary>In a word, for people.</summary>
    public required string State { get; init; }

    /// <summary>Updates done.</summary>
    public required int Step { get; init; }

    /// <summary>Updates that the run will have; null if time decides.</summary>
    public int? StepsTotal { get; init; }

    /// <summary>Epochs done.</summary>
    public required int Epoch { get; init; }

    /// <summary>Of the last step; null before the first.</summary>
    public double? Loss { get; init; }

    /// <summary>Of the last validation, in decibels; null before the first.</summary>
    public double? Psnr { get; init; }

    public double ImagesPerSecond { get; init; }

    public required int Term { get; init; }

    /// <summary>Since this coordinator took the run.</summary>
    public double UptimeSeconds { get; init; }

    public required IReadOnlyList<WorkerStatus> Workers
    {
        get => _workers;
        init => _workers = [.. value];
    }
}
