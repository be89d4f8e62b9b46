using System.Buffers;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Framework.Data.Packed;

/// <summary>Packed data in a file that has what was needed of them so far; who reads waits for blocks.</summary>
/// <remarks>
/// The file is as long as the data and has holes. No list is kept of what is in it: before a block is used for the
/// first time it is read and its hash compared with that of the index, so a hole, a block that was half written when
/// the machine went down, and one that has changed since are all the same: they are fetched. Hence several processes
/// may use one file at the same time too: whatever they write is checked, and right. Somebody else fetches:
/// <see cref="TryTakeWanted"/> tells what, <see cref="Put"/> takes it. Any thread may call anything.
/// </remarks>
public sealed class BlockCache : IDisposable
{
    [ThreadStatic]
    private static bool t_looksAhead;

    [ThreadStatic]
    private static long t_waitedTicks;

    private readonly SafeFileHandle _file;
    private readonly Action _onWanted;
    private readonly Func<long> _clock;

    /// <summary>Guards what is below; threads wait on it for blocks. States are read without it.</summary>
    private readonly object _lock = new();
    private readonly byte[] _states;
    private readonly Queue<int> _needed = [];
    private readonly Queue<int> _ahead = [];
    private bool _isFetcherWoken;
    private bool _isDisposed;
    private long _waitedTicks;
    private int _hereCount;

    /// <summary>Opens the file, or makes it.</summary>
    /// <param name="path">The file; made if it is missing.</param>
    /// <param name="index">Of the data.</param>
    /// <param name="onWanted">
    /// Called by a thread that reads when there is something to fetch; not again before TryTakeWanted has found none.
    /// </param>
    /// <param name="clock">Ticks of any length: only how long threads have waited is told by it.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public BlockCache(string path, PackedIndex index, Action onWanted, Func<long> clock)
    {
        ArgumentNullException.ThrowIfNull(index);
        (Index, _onWanted, _clock) = (index, onWanted, clock);
        _states = new byte[index.BlockCount];
        _file = File.OpenHandle(
            path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (RandomAccess.GetLength(_file) != index.Length)
        {
            RandomAccess.SetLength(_file, index.Length);
        }

        Bytes = new CachedBytes(this);
    }

    /// <summary>How far a block has come.</summary>
    private enum BlockState : byte
    {
        Unknown,
        WantedAhead,
        Needed,
        Asked,
        Here,
    }

    /// <summary>Of the data.</summary>
    public PackedIndex Index { get; }

    /// <summary>Ticks that threads have waited for blocks, all together.</summary>
    public long WaitedTicks => Interlocked.Read(ref _waitedTicks);

    /// <summary>Whether every block has been used or fetched: nothing will be wanted.</summary>
    public bool IsComplete => Volatile.Read(ref _hereCount) == _states.Length;

    /// <summary>Blocks that wait to be fetched before anybody needs them.</summary>
    public int AheadCount
    {
        get
        {
            lock (_lock)
            {
                return _ahead.Count;
            }
        }
    }

    /// <summary>The data; reading them waits for what is missing.</summary>
    internal RandomBytes Bytes { get; }

    /// <summary>Ticks that this thread has waited for blocks since this was asked last.</summary>
    public static long TakeWaitedTicks()
    {
        long ticks = t_waitedTicks;
        t_waitedTicks = 0;
        return ticks;
    }

    /// <summary>
    /// Runs something that reads, and notes which blocks it takes; none is waited for, and all that it reads is 0.
    /// </summary>
    public static void LookAhead(Action read)
    {
        ArgumentNullException.ThrowIfNull(read);
        t_looksAhead = true;
        try
        {
            read();
        }
        finally
        {
            t_looksAhead = false;
        }
    }

    /// <summary>The block to be fetched next: those that somebody waits for come first.</summary>
    /// <param name="offset">Of its first byte.</param>
    public bool TryTakeWanted(out long offset)
    {
        lock (_lock)
        {
            while (_needed.TryDequeue(out int block) || _ahead.TryDequeue(out block))
            {
                // One that was wanted ahead may have become needed meanwhile, and is in both queues.
                if (_states[block] is (byte)BlockState.Needed or (byte)BlockState.WantedAhead)
                {
                    _states[block] = (byte)BlockState.Asked;
                    offset = (long)block * PackedIndex.BlockBytes;
                    return true;
                }
            }

            _isFetcherWoken = false;
            offset = 0;
            return false;
        }
    }

    /// <summary>Keeps a block that has come; one that is here already is not looked at.</summary>
    /// <exception cref="DataException">It is not the one that the index tells of.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Put(long offset, ReadOnlySpan<byte> bytes)
    {
        int block = (int)(offset / PackedIndex.BlockBytes);
        if (_states[block] == (byte)BlockState.Here)
        {
            return;
        }

        if (offset % PackedIndex.BlockBytes != 0 || bytes.Length != Index.SizeOf(block)
            || !Index.IsBlock(block, bytes))
        {
            throw PackedFile.Damaged($"block {block} is another one");
        }

        RandomAccess.Write(_file, bytes, offset);
        lock (_lock)
        {
            SetHere(block);
        }
    }

    /// <summary>Gives the data up: who waits or reads on gets an OperationCanceledException.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            Monitor.PulseAll(_lock);
        }

        _file.Dispose();
    }

    /// <summary>Sees to it that all of the data will be fetched, from the front.</summary>
    internal void WantAll()
    {
        for (int block = 0; block < _states.Length; block++)
        {
            Want(block);
        }
    }

    private void Read(long offset, Span<byte> target)
    {
        if (offset < 0 || offset > Index.Length - target.Length)
        {
            throw new EndOfStreamException();
        }

        int first = (int)(offset / PackedIndex.BlockBytes);
        int last = (int)((offset + target.Length - 1) / PackedIndex.BlockBytes);
        try
        {
            for (int block = first; block <= last; block++)
            {
                Want(block);
            }

            if (t_looksAhead)
            {
                target.Clear(); // Never what was in that memory before.
                return;
            }

            for (int block = first; block <= last; block++)
            {
                Await(block);
            }

            RandomBytes.ReadAll(_file, offset, target);
        }
        catch (ObjectDisposedException exception)
        {
            throw GivenUp(exception);
        }
    }

    /// <summary>Sees to it that a block is here or will be fetched.</summary>
    private void Want(int block)
    {
        BlockState wanted = t_looksAhead ? BlockState.WantedAhead : BlockState.Needed;
        if (Volatile.Read(ref _states[block]) >= (byte)wanted)
        {
            return;
        }

        bool isHere = _states[block] == (byte)BlockState.Unknown && IsInFile(block);
        bool wakes = false;
        lock (_lock)
        {
            if (isHere)
            {
                SetHere(block);
            }
            else if (_states[block] < (byte)wanted)
            {
                _states[block] = (byte)wanted;
                (t_looksAhead ? _ahead : _needed).Enqueue(block);
                wakes = !_isFetcherWoken;
                _isFetcherWoken = true;
            }
        }

        if (wakes)
        {
            _onWanted();
        }
    }

    /// <summary>For callers in the lock.</summary>
    private void SetHere(int block)
    {
        if (_states[block] != (byte)BlockState.Here)
        {
            _hereCount++;
            Volatile.Write(ref _states[block], (byte)BlockState.Here);
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Waits until a block is here.</summary>
    private void Await(int block)
    {
        if (Volatile.Read(ref _states[block]) == (byte)BlockState.Here)
        {
            return;
        }

        long began = _clock();
        lock (_lock)
        {
            while (_states[block] != (byte)BlockState.Here)
            {
                if (_isDisposed)
                {
                    throw GivenUp(null);
                }

                Monitor.Wait(_lock);
            }
        }

        long waited = _clock() - began;
        t_waitedTicks += waited;
        Interlocked.Add(ref _waitedTicks, waited);
    }

    private bool IsInFile(int block)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PackedIndex.BlockBytes);
        try
        {
            Span<byte> bytes = buffer.AsSpan(0, Index.SizeOf(block));
            int done = 0;
            int count;
            do
            {
                count = RandomAccess.Read(_file, bytes[done..], ((long)block * PackedIndex.BlockBytes) + done);
                done += count;
            }
            while (count > 0 && done < bytes.Length);
            return done == bytes.Length && Index.IsBlock(block, bytes);
        }
        catch (ObjectDisposedException exception)
        {
            throw GivenUp(exception);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static OperationCanceledException GivenUp(Exception? inner) =>
        new("The data are no longer fetched.", inner);

    private sealed class CachedBytes(BlockCache cache) : RandomBytes
    {
        public override long Length => cache.Index.Length;

        public override void Read(long offset, Span<byte> target) => cache.Read(offset, target);
    }
}
