using System.Runtime.InteropServices;
using Akka.Actor;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Coordinator.Actors;

/// <summary>Hands out the training data, block by block: packed into a file when first asked for.</summary>
/// <remarks>
/// Every question has an answer: a block, or NoData with the reason. A disk that is full is also the run's end, since
/// its next checkpoint would find it so.
/// </remarks>
/// <param name="source">The data.</param>
/// <param name="path">Of the file; removed at the end.</param>
internal sealed class DataSetActor(PairSource source, string path) : UntypedActor
{
    private const int BlockBytes = 2 << 20;
    private FileStream? _file;

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
            if (exception is IOException io && AtomicFile.IsDiskFull(io))
            {
                throw;
            }
        }
    }

    /// <inheritdoc/>
    protected override void PostStop() => _file?.Dispose();

    private CoordinatorMessage Answer(WorkerMessage.WantData want)
    {
        if (want.Hash != source.ContentHash || !source.CanPack)
        {
            return new CoordinatorMessage.NoData(want.Hash, "the coordinator does not have these data");
        }

        FileStream file = _file ??= Pack();
        if (want.Offset >= file.Length)
        {
            return new CoordinatorMessage.NoData(want.Hash, $"the data end before byte {want.Offset}");
        }

        int count = (int)Math.Min(BlockBytes, file.Length - want.Offset);
        RentedFloats block = new((count + sizeof(float) - 1) / sizeof(float));
        Span<byte> target = MemoryMarshal.AsBytes(block.Memory.Span);
        target[count..].Clear();
        file.Seek(want.Offset, SeekOrigin.Begin);
        file.ReadExactly(target[..count]);
        return new CoordinatorMessage.DataBlock(want.Hash, want.Offset, count, file.Length) { Payload = block };
    }

    private FileStream Pack()
    {
        FileStream file = new(
            path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 1 << 16, FileOptions.DeleteOnClose);
        try
        {
            source.Pack(file);
            file.Flush();
            return file;
        }
        catch
        {
            try
            {
                file.Dispose();
            }
            catch (IOException)
            {
                // What could not be written before cannot be now either.
            }

            throw;
        }
    }
}
