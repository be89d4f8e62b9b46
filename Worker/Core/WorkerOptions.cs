using Distributed.Protocol.Messages;

namespace Distributed.Worker.Core;

/// <summary>What a worker says about itself, and its bounds.</summary>
public sealed record WorkerOptions
{
    /// <summary>Sent on every new connection.</summary>
    public required WorkerMessage.Join Identity { get; init; }

    /// <summary>A coordinator that is silent for longer is given up, and looked for again.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Wait before the second attempt to connect; doubles from there.</summary>
    public TimeSpan RetryMin { get; init; } = TimeSpan.FromSeconds(0.2);

    /// <summary>Longest wait between attempts.</summary>
    public TimeSpan RetryMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Ends the worker after so long without a coordinator that welcomes it.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Longest wait for the answer to a Leave.</summary>
    public TimeSpan DrainMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A number in [0, 1) for each attempt, a function of its argument alone; spreads the workers of a coordinator that
    /// restarts.
    /// </summary>
    public Func<int, double> Jitter { get; init; } = _ => 0.5;
}
