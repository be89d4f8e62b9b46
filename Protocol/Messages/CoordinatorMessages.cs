using System.Buffers;
using Distributed.Framework.Training;

namespace Distributed.Protocol.Messages;

/// <summary>Why a worker may not join; decides its exit code.</summary>
public enum Refusal
{
    /// <summary>Another version of the program.</summary>
    Version = 1,

    /// <summary>Arithmetic that would give other bits.</summary>
    Numerics = 2,

    /// <summary>As many workers as allowed.</summary>
    Full = 3,

    /// <summary>What it said about itself makes no sense.</summary>
    Malformed = 4,

    /// <summary>The token or the certificate is wrong; said before there is a link.</summary>
    Unauthorized = 5,

    /// <summary>Its sums were not finite; until it has started anew.</summary>
    NotFinite = 6,
}

/// <summary>Everything that the coordinator says to a worker. Closed: the constructor is private.</summary>
public abstract record CoordinatorMessage : IReleasable
{
    private CoordinatorMessage()
    {
    }

    /// <summary>
    /// The floats that travel beside the message, null for most; owned by the holder of the message, and released once.
    /// </summary>
    public IMemoryOwner<float>? Payload { get; init; }

    /// <inheritdoc/>
    public void Release() => Payload?.Dispose();

    /// <summary>The worker is in, and everything after this is of this term.</summary>
    /// <param name="Term">The coordinator's.</param>
    /// <param name="Worker">What the coordinator calls it.</param>
    /// <param name="Plan">JSON of what to train on which data; opaque here. Empty if it follows.</param>
    /// <param name="HeartbeatInterval">How often the worker gives a sign of life.</param>
    /// <remarks>Two are equal only if they share pass and addresses: these are not compared by content.</remarks>
    public sealed record Welcome(Term Term, SessionId Worker, string Plan, TimeSpan HeartbeatInterval)
        : CoordinatorMessage
    {
        /// <summary>As given; "new" since a message is called so too.</summary>
        public new string Plan { get; init; } = Plan;

        /// <summary>The plan is too long for here and comes as <see cref="CoordinatorMessage.Plan"/>.</summary>
        public bool PlanFollows { get; init; }

        /// <summary>Opens the worker's tensor channel, once: 32 bytes; empty within a process.</summary>
        public ReadOnlyMemory<byte> Pass { get; init; }

        /// <summary>Where coordinators of the run can be found, as HOST:PORT, at most 16.</summary>
        public new IReadOnlyList<string> Coordinators { get; init; } = [];
    }

    /// <summary>The worker is not in, and trying again would not help.</summary>
    public sealed record Refuse(Refusal Refusal, string Reason) : CoordinatorMessage;

    /// <summary>Still here: the answer to a heartbeat.</summary>
    public sealed record Heartbeat(Term Term) : CoordinatorMessage;

    /// <summary>The weights of a step, in the payload. May arrive after the step's first Assign.</summary>
    public sealed record Weights(Term Term, Step Step) : CoordinatorMessage;

    /// <summary>Compute these shards from the weights of this step. Voids every older step.</summary>
    public sealed record Assign(Term Term, Step Step, ShardRange Shards) : CoordinatorMessage;

    /// <summary>The worker is no longer needed and may exit.</summary>
    public sealed record Finish(string Reason) : CoordinatorMessage;

    /// <summary>Where coordinators of the run can be found from now on, as HOST:PORT, at most 16.</summary>
    public sealed record Coordinators(IReadOnlyList<string> Addresses) : CoordinatorMessage;

    /// <summary>The plan that a <see cref="Welcome"/> had no room for.</summary>
    public sealed record Plan(string Json) : CoordinatorMessage;

    /// <summary>A block of the data set or of its index; its bytes are the payload.</summary>
    /// <param name="Hash">Of the data set's content, or of its index: 64 hexadecimal digits.</param>
    /// <param name="Offset">Where the block begins, in bytes.</param>
    /// <param name="Count">Bytes of the block; the payload's last float may have up to 3 more.</param>
    /// <param name="Length">Bytes of the whole set, or index.</param>
    public sealed record DataBlock(string Hash, long Offset, int Count, long Length) : CoordinatorMessage;

    /// <summary>The data set cannot be had here.</summary>
    public sealed record NoData(string Hash, string Reason) : CoordinatorMessage;
}
