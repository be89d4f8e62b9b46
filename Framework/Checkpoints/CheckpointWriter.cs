using System.Runtime.ExceptionServices;
using System.Threading.Channels;

namespace Distributed.Framework.Checkpoints;

/// <summary>
/// Saves checkpoints beside training: the trainer only copies its state, a background task does the rest.
/// </summary>
/// <remarks>
/// Use: rent a snapshot, fill it, post it; or give it back unposted. There are two snapshots, so at most one is being
/// written and one waits or is being filled; the third rent waits, which is the bound on memory and on work. After the
/// first two rents no more large memory is allocated. A fault of a save is thrown by the next call, once.
/// One trainer thread at a time calls it.
/// </remarks>
public sealed class CheckpointWriter : IAsyncDisposable
{
    private const int SnapshotCount = 2;

    private readonly CheckpointStore _store;
    private readonly CheckpointLayout _layout;
    private readonly string _configuration;
    private readonly Action<string>? _saved;
    private readonly Channel<CheckpointSnapshot> _free = Channel.CreateBounded<CheckpointSnapshot>(SnapshotCount);
    private readonly Channel<CheckpointSnapshot> _posted = Channel.CreateBounded<CheckpointSnapshot>(SnapshotCount);
    private readonly Task _worker;
    private int _created;
    private Exception? _fault;

    /// <summary>Starts the background task.</summary>
    /// <param name="store">Used by this writer alone from now on.</param>
    /// <param name="layout">What every snapshot holds.</param>
    /// <param name="configuration">Everything that the result depends on, as JSON; goes into every checkpoint.</param>
    /// <param name="saved">Told the path of every file that is on disk, from the background task.</param>
    public CheckpointWriter(
        CheckpointStore store, CheckpointLayout layout, string configuration, Action<string>? saved = null)
    {
        _store = store;
        _layout = layout;
        _configuration = configuration;
        _saved = saved;
        _worker = Task.Run(WriteAllAsync);
    }

    /// <summary>A snapshot to fill; waits while both are in use.</summary>
    /// <exception cref="IOException">An earlier save failed: the disk is full or failed.</exception>
    public async ValueTask<CheckpointSnapshot> RentAsync(CancellationToken stopping = default)
    {
        ThrowFault();
        if (!_free.Reader.TryRead(out CheckpointSnapshot? snapshot))
        {
            snapshot = _created < SnapshotCount ? Create() : await _free.Reader.ReadAsync(stopping);
        }

        snapshot.Reset();
        return snapshot;
    }

    /// <summary>Hands a filled snapshot over to be saved; never waits.</summary>
    /// <exception cref="IOException">An earlier save failed; this one is saved nevertheless.</exception>
    public void Post(CheckpointSnapshot snapshot)
    {
        Exception? earlier = Interlocked.Exchange(ref _fault, null);

        // There are as many places as snapshots, so this fails only after the end.
        if (!_posted.Writer.TryWrite(snapshot))
        {
            throw new InvalidOperationException("The checkpoint writer has been completed.");
        }

        Throw(earlier);
    }

    /// <summary>Gives a snapshot back that will not be saved.</summary>
    public void Return(CheckpointSnapshot snapshot) => _free.Writer.TryWrite(snapshot);

    /// <summary>Waits until all that was posted is on disk; nothing can be posted afterwards.</summary>
    /// <exception cref="IOException">A save failed that no call has told of yet.</exception>
    public async Task CompleteAsync()
    {
        _posted.Writer.TryComplete();
        await _worker;
        ThrowFault();
    }

    /// <summary>As <see cref="CompleteAsync"/>.</summary>
    public async ValueTask DisposeAsync() => await CompleteAsync();

    private CheckpointSnapshot Create()
    {
        _created++;
        return new CheckpointSnapshot(_layout);
    }

    private async Task WriteAllAsync()
    {
        await foreach (CheckpointSnapshot snapshot in _posted.Reader.ReadAllAsync())
        {
            try
            {
                Write(snapshot);
            }
            catch (Exception exception)
            {
                // Kept for the next call. The first of several says most, the others are its consequences.
                Interlocked.CompareExchange(ref _fault, exception, null);
            }

            Return(snapshot);
        }
    }

    private void Write(CheckpointSnapshot snapshot)
    {
        Checkpoint checkpoint = snapshot.ToCheckpoint(_configuration);
        if (snapshot.KeepByStep)
        {
            string path = _store.Save(checkpoint);
            _saved?.Invoke(path);
        }

        if (snapshot.Score is { } score && _store.SaveBest(checkpoint, score))
        {
            _saved?.Invoke(_store.BestPath);
        }
    }

    private void ThrowFault() => Throw(Interlocked.Exchange(ref _fault, null));

    private static void Throw(Exception? fault)
    {
        if (fault is not null)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }
}
