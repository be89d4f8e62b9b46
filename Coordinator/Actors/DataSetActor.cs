using System.Runtime.InteropServices;
using Akka.Actor;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Coordinator.Actors;

/// <summary>Hands out blocks of the training data, from where they are (memory or files), and their index.</summary>
/// <remarks>Every question has an answer: a block, or NoData with the reason.</remarks>
/// <param name="source">The data.</param>
internal sealed class DataSetActor(PairSource source) : UntypedActor
{
    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        if (message is not WorkerMessage.WantData want)
        {
            return;
        }

        try
        {
            Sender.Tell(Answer(want));
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ReportedException)
        {
            Sender.Tell(new CoordinatorMessage.NoData(want.Hash, exception.Message));
        }
    }

    private CoordinatorMessage Answer(WorkerMessage.WantData want)
    {
        if (source.Packed is not { } content || (want.Hash != content.Hash && want.Hash != content.Index.Hash))
        {
            return new CoordinatorMessage.NoData(want.Hash, "the coordinator does not have these data");
        }

        bool isIndex = want.Hash == content.Index.Hash;
        long length = isIndex ? content.Index.Bytes.Length : content.Length;
        if (want.Offset >= length)
        {
            return new CoordinatorMessage.NoData(want.Hash, $"the data end before byte {want.Offset}");
        }

        int count = (int)Math.Min(PackedIndex.BlockBytes, length - want.Offset);
        RentedFloats block = new((count + sizeof(float) - 1) / sizeof(float));
        Span<byte> target = MemoryMarshal.AsBytes(block.Memory.Span);
        try
        {
            if (isIndex)
            {
                content.Index.Bytes.Span.Slice((int)want.Offset, count).CopyTo(target);
            }
            else
            {
                content.Read(want.Offset, target[..count]);
            }
        }
        catch
        {
            block.Dispose();
            throw;
        }

        target[count..].Clear();
        return new CoordinatorMessage.DataBlock(want.Hash, want.Offset, count, length) { Payload = block };
    }
}
