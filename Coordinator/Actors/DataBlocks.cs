using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Distributed.Framework.Data;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>The training data for workers that do not have them: packed into a file when first asked for.</summary>
/// <param name="source">The data.</param>
/// <param name="path">Of the file; removed at the end.</param>
public sealed class DataBlocks(PairSource source, string path) : IDisposable
{
    private const int BlockBytes = 2 << 20;

    private readonly Lock _lock = new();
    private FileStream? _file;
    private bool _isOver;

    /// <summary>Reads a block.</summary>
    /// <param name="want">Which one.</param>
    /// <param name="answer">What to say.</param>
    /// <param name="bytes">The block, in floats; the caller disposes of them.</param>
    /// <returns>False if there are no such data, or the offset is not inside them.</returns>
    public bool Read(
        WorkerMessage.WantData want, out CoordinatorMessage answer, [NotNullWhen(true)] out IMemoryOwner<float>? bytes)
    {
        answer = new CoordinatorMessage.NoData(want.Hash, "");
        bytes = null;
        if (want.Hash != source.ContentHash || Open() is not { } file || want.Offset >= file.Length)
        {
            return false;
        }

        int count = (int)Math.Min(BlockBytes, file.Length - want.Offset);
        Block block = new((count + sizeof(float) - 1) / sizeof(float));
        Span<byte> target = MemoryMarshal.AsBytes(block.Memory.Span);
        target[count..].Clear();
        for (int read = 0; read < count;)
        {
            read += RandomAccess.Read(file.SafeFileHandle, target[read..count], want.Offset + read) is var more and > 0
                ? more
                : throw new EndOfStreamException(path);
        }

        bytes = block;
        answer = new CoordinatorMessage.DataBlock(want.Hash, want.Offset, count, file.Length);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            _file?.Dispose();
        }
    }

    private FileStream? Open()
    {
        lock (_lock)
        {
            if (_file is null && !_isOver && source.CanPack)
            {
                FileStream file = new(
                    path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 1 << 16, FileOptions.DeleteOnClose);
                source.Pack(file);
                file.Flush();
                _file = file;
            }

            return _file;
        }
    }

    private sealed class Block(int length) : IMemoryOwner<float>
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
