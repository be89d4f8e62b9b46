using System.Buffers;
using Distributed.Framework.Training;

namespace Distributed.Protocol.Messages;

/// <summary>Everything that a worker says to the coordinator. Closed: the constructor is private.</summary>
public abstract record WorkerMessage : IReleasable
{
    private WorkerMessage()
    {
    }

    /// <summary>
    /// The floats that travel beside the message, null for most; owned by the holder of the message, and released once.
    /// </summary>
    public IMemoryOwner<float>? Payload { get; init; }

    /// <inheritdoc/>
    public void Release() => Payload?.Dispose();

    /// <summary>Asks to take part; the first message on a connection.</summary>
    /// <param name="Name">What people call this worker.</param>
    /// <param name="Version">Version of the program; must be the coordinator's.</param>
    /// <param name="Numerics">
    /// Fingerprint of the arithmetic; must be the coordinator's, or the bits would differ.
    /// </param>
    /// <param name="Threads">Shards that it computes at once.</param>
    /// <param name="Incarnation">
    /// Random, made once a start of the process, not negative: tells a worker that comes back from one that was
    /// started anew. 0 within the coordinator's process.
    /// </param>
    public sealed record Join(string Name, string Version, string Numerics, int Threads, long Incarnation)
        : WorkerMessage;

    /// <summary>Plan and data are here: shards may come.</summary>
    public sealed record Ready(Term Term) : WorkerMessage;

    /// <summary>Still here. Repeats whether it is ready; answered by the coordinator's heartbeat.</summary>
    public sealed record Heartbeat(Term Term, bool IsReady) : WorkerMessage;

    /// <summary>The sum of the gradients of one complete node's shards; the gradient is the payload.</summary>
    /// <param name="Term">Of the assignment.</param>
    /// <param name="Step">Whose weights were used.</param>
    /// <param name="Node">What was added up.</param>
    /// <param name="ShardCount">Shards in it, to check both sides' idea of the tree.</param>
    /// <param name="Loss">Summed over its samples, in the order of the tree.</param>
    /// <param name="Compute">
    /// Time in shards, over all threads, that this worker has not reported yet. Nothing is decided by it.
    /// </param>
    public sealed record GradientSum(Term Term, Step Step, TreeNode Node, int ShardCount, double Loss, TimeSpan Compute)
        : WorkerMessage
    {
        /// <summary>
        /// Whether the loss and every float of the payload are finite. Does not travel: whoever brings the message into
        /// a process has looked.
        /// </summary>
        public bool IsFinite { get; init; } = true;
    }

    /// <summary>
    /// Is about to go; its pending shards are for others. Answered by <see cref="CoordinatorMessage.Finish"/>.
    /// </summary>
    public sealed record Leave(Term Term) : WorkerMessage;

    /// <summary>
    /// Asks for a block of the data set or of its index; answered by <see cref="CoordinatorMessage.DataBlock"/> or
    /// <see cref="CoordinatorMessage.NoData"/>.
    /// </summary>
    /// <param name="Hash">Of the data set's content, or of its index: 64 hexadecimal digits.</param>
    /// <param name="Offset">Of the first byte.</param>
    public sealed record WantData(string Hash, long Offset) : WorkerMessage;
}
