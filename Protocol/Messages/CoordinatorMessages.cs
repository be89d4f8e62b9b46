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
}

/// <summary>Everything that the coordinator says to a worker. Closed: the constructor is private.</summary>
public abstract record CoordinatorMessage
{
    private CoordinatorMessage()
    {
    }

    /// <summary>The worker is in, and everything after this is of this term.</summary>
    /// <param name="Term">The life of the coordinator.</param>
    /// <param name="Worker">What the coordinator calls it.</param>
    /// <param name="Plan">JSON of what to train on which data; opaque here.</param>
    /// <param name="HeartbeatInterval">How often the worker gives a sign of life.</param>
    public sealed record Welcome(Term Term, WorkerId Worker, string Plan, TimeSpan HeartbeatInterval)
        : CoordinatorMessage;

    /// <summary>The worker is not in, and trying again would not help.</summary>
    public sealed record Refuse(Refusal Refusal, string Reason) : CoordinatorMessage;

    /// <summary>Still here: the answer to a heartbeat.</summary>
    public sealed record Heartbeat(Term Term) : CoordinatorMessage;

    /// <summary>The parameters of a step; they follow as bulk. May arrive after the step's first Assign.</summary>
    public sealed record Parameters(Term Term, Step Step, ParametersTicket Ticket) : CoordinatorMessage;

    /// <summary>Compute these shards from the parameters of this step. Voids every older step.</summary>
    public sealed record Assign(Term Term, Step Step, ShardRange Shards) : CoordinatorMessage;

    /// <summary>The worker is no longer needed and may exit.</summary>
    public sealed record Finish(string Reason) : CoordinatorMessage;

    /// <summary>A block of the data set; its bytes follow as bulk.</summary>
    /// <param name="Hash">Of the data set's content: 64 hexadecimal digits.</param>
    /// <param name="Offset">Where the block begins, in bytes.</param>
    /// <param name="Count">Bytes of the block; the bulk's last float may have up to 3 more, which mean nothing.</param>
    /// <param name="Length">Bytes of the whole set.</param>
    public sealed record DataBlock(string Hash, long Offset, int Count, long Length) : CoordinatorMessage;

    /// <summary>The data set cannot be had here.</summary>
    public sealed record NoData(string Hash, string Reason) : CoordinatorMessage;
}
