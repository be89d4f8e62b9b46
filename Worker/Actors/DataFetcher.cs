using System.Buffers;
using System.Runtime.InteropServices;
using Distributed.Framework.Errors;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Actors;

/// <summary>The link ended while data came over it; they are asked for again over the next one.</summary>
public sealed class LinkLostException() : IOException("the link ended while data came over it");

/// <summary>Gets a data set over the link, block after block, by the hash of its content.</summary>
/// <param name="send">Says something to the coordinator.</param>
public sealed class DataFetcher(Action<WorkerMessage> send)
{
    /// <summary>Most floats of a block that are taken in.</summary>
    private const int BlockFloatsMax = 1 << 20;

    private const string Advice = "Start the worker with --data and the data set on its own disk.";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private TaskCompletionSource<(CoordinatorMessage.DataBlock Block, IMemoryOwner<float> Bytes)>? _wanted;
    private WorkerMessage.WantData? _want;

    /// <summary>Writes the whole set to a stream, from its start.</summary>
    /// <param name="hash">Of the content.</param>
    /// <param name="target">Gets the bytes; their hash is for the caller to check.</param>
    /// <exception cref="LinkLostException">The link ended.</exception>
    /// <exception cref="DataException">The coordinator does not have it, or another length than it said.</exception>
    public void Fetch(string hash, Stream target)
    {
        long length = -1;
        for (long offset = 0; offset != length;)
        {
            WorkerMessage.WantData want = new(hash, offset);
            (CoordinatorMessage.DataBlock block, IMemoryOwner<float> bytes) = Ask(want);
            using (bytes)
            {
                if ((length >= 0 && block.Length != length) || block.Count > block.Length - offset)
                {
                    throw new DataException($"The data set {hash} changed its length on the way.", Advice);
                }

                length = block.Length;
                target.Write(MemoryMarshal.AsBytes(bytes.Memory.Span)[..block.Count]);
                offset += block.Count;
            }
        }
    }

    /// <summary>Takes an answer; false if the message is not for here.</summary>
    internal bool Take(CoordinatorMessage message, IMemoryOwner<float>? bulk)
    {
        switch (message)
        {
            case CoordinatorMessage.DataBlock block:
                if (Answered(block.Hash, block.Offset)?.TrySetResult((block, bulk!)) != true)
                {
                    bulk!.Dispose();
                }

                return true;
            case CoordinatorMessage.NoData none:
                Answered(none.Hash, null)?.TrySetException(new DataException(none.Reason, Advice));
                return true;
            default:
                return false;
        }
    }

    /// <summary>A buffer for a block.</summary>
    /// <exception cref="ProtocolException">It is not one that was asked for.</exception>
    internal IMemoryOwner<float> Rent(CoordinatorMessage.DataBlock block, int floatCount)
    {
        lock (_lock)
        {
            bool isWanted = _want is { } want && want.Hash == block.Hash && want.Offset == block.Offset;
            return isWanted && floatCount <= BlockFloatsMax && block.Count > 0
                && floatCount == (block.Count + sizeof(float) - 1) / sizeof(float)
                ? new ArrayOwner(floatCount)
                : throw new ProtocolException($"A block of {block.Count} bytes of data that nobody asked for.");
        }
    }

    /// <summary>Ends the waiting.</summary>
    internal void OnLinkLost()
    {
        lock (_lock)
        {
            _wanted?.TrySetException(new LinkLostException());
            _wanted = null;
            _want = null;
        }
    }

    private (CoordinatorMessage.DataBlock Block, IMemoryOwner<float> Bytes) Ask(WorkerMessage.WantData want)
    {
        TaskCompletionSource<(CoordinatorMessage.DataBlock, IMemoryOwner<float>)> answer =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _wanted = answer;
            _want = want;
        }

        send(want);
        return answer.Task.WaitAsync(s_patience).GetAwaiter().GetResult();
    }

    private TaskCompletionSource<(CoordinatorMessage.DataBlock, IMemoryOwner<float>)>? Answered(
        string hash, long? offset)
    {
        lock (_lock)
        {
            if (_want is not { } want || want.Hash != hash || (offset is { } at && at != want.Offset))
            {
                return null;
            }

            TaskCompletionSource<(CoordinatorMessage.DataBlock, IMemoryOwner<float>)>? wanted = _wanted;
            _wanted = null;
            _want = null;
            return wanted;
        }
    }

    private sealed class ArrayOwner(int length) : IMemoryOwner<float>
    {
        private float[]? _array = ArrayPool<float>.Shared.Rent(length);

        public Memory<float> Memory => _array.AsMemory(0, length);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is { } array)
            {
                ArrayPool<float>.Shared.Return(array);
            }
        }
    }
}
