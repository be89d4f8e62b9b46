using System.Buffers;

namespace Distributed.Simulation;

/// <summary>The payloads of one life of a process: each goes exactly once, sent, used or released.</summary>
internal sealed class SimPayloads
{
    /// <summary>Payloads that somebody holds.</summary>
    public int Outstanding { get; private set; }

    public SimPayload Create(ulong value)
    {
        Outstanding++;
        return new SimPayload(this, value);
    }

    /// <summary>A number in the place of floats; machines may not look at it.</summary>
    internal sealed class SimPayload(SimPayloads owner, ulong value) : IMemoryOwner<float>
    {
        private bool _isGone;

        public Memory<float> Memory => throw new InvalidOperationException("A machine looks into a payload.");

        /// <summary>Reads the value for the last time.</summary>
        public ulong Take()
        {
            Check.That(!_isGone, "a payload goes once");
            _isGone = true;
            owner.Outstanding--;
            return value;
        }

        public ulong Peek() => value;

        public void Dispose() => throw new InvalidOperationException("A machine orders a release, it does not do it.");
    }
}

/// <summary>Takes payloads out of messages.</summary>
internal static class SimPayloadExtensions
{
    public static ulong Take(this IMemoryOwner<float>? payload) => ((SimPayloads.SimPayload)payload!).Take();
}
