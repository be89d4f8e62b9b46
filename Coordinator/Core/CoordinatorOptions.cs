namespace Distributed.Coordinator.Core;

/// <summary>Everything about a run's control that a user may set; the defaults suit a handful of machines.</summary>
public sealed record CoordinatorOptions
{
    /// <summary>The program's version; workers must have the same.</summary>
    public required string Version { get; init; }

    /// <summary>Fingerprint of the arithmetic; workers must have the same.</summary>
    public required string Numerics { get; init; }

    /// <summary>JSON of what to train on which data, for workers that join; opaque here.</summary>
    public string Plan { get; init; } = "";

    /// <summary>Ready workers before the first step begins. Later on, one is enough to go on.</summary>
    public int WorkersMin { get; init; } = 1;

    /// <summary>Most workers at once; more are refused.</summary>
    public int WorkersMax { get; init; } = 256;

    /// <summary>Most threads that a worker may claim.</summary>
    public int ThreadsMax { get; init; } = 1024;

    /// <summary>How often workers send a heartbeat, and how often silence is looked for.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A worker that is silent for longer is given up; under 10 s with the heartbeat added.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>A worker is late after this many usual step times.</summary>
    public int LateFactor { get; init; } = 3;

    /// <summary>But never before this.</summary>
    public TimeSpan LateMin { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>And before any step has shown what is usual, after this.</summary>
    public TimeSpan LateFirst { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A late worker gets no shards until it answers or for so long.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it is said again that workers are missing.</summary>
    public TimeSpan ReminderInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Workers are measured, and a whole step divided anew, at most this often.</summary>
    public TimeSpan PacePeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Steps between checkpoints; 0 saves only at the end.</summary>
    public int CheckpointEvery { get; init; }

    /// <summary>Whether there are validation data.</summary>
    public bool HasValidation { get; init; }

    /// <summary>Whether workers are to wait for another run when this one is finished.</summary>
    public bool KeepsWorkers { get; init; }

    /// <summary>Least time from one validation to the next.</summary>
    public TimeSpan ValidationGapMin { get; init; } = TimeSpan.FromMinutes(1);
}
