using System.Threading.Channels;

namespace Distributed.Framework.Checkpoints;

/// <summary>
/// Saves checkpoints beside training: the trainer only copies its state, a background task does the rest.
/// </summary>
/// <remarks>
/// Use: rent a snapshot, fill it, post it. There are two snapshots, so at most one is being written and one waits or is
/// being filled; the third rent waits, which is the bound on memory and on work.
/// </remarks>
public sealed class CheckpointWriter : IAsyncDisposable
{
    private const int SnapshotCount = 2;

    private readonly CheckpointStore _store;
    private readonly string _configuration;
    private readonly Channel<CheckpointSnapshot> _free = Channel.CreateBounded<CheckpointSnapshot>(SnapshotCount);
    private readonly Channel<(CheckpointSnapshot Snapshot, TaskCompletionSource Saved)> _posted =
        Channel.CreateBounded<(CheckpointSnapshot, TaskCompletionSource)>(SnapshotCount);

    private readonly Task _worker;

    /// <summary>Starts the background task.</summary>
    /// <param name="store">Used by this writer alone from now on.</param>
    /// <param name="layout">What every snapshot holds.</param>
    /// <param name="configuration">Everything that the result depends on, as JSON; goes into every checkpoint.</param>
    public CheckpointWriter(CheckpointStore store, CheckpointLayout layout, string configuration)
    {
        _store = store;
        _configuration = configuration;
        for (int i = 0; i < SnapshotCount; i++)
        {
            _free.Writer.TryWrite(new CheckpointSnapshot(layout));
        }

        _worker = Task.Run(WriteAllAsync);
    }

    /// <summary>A snapshot to fill; waits while both are in use.</summary>
    public async ValueTask<CheckpointSnapshot> RentAsync(CancellationToken stopping = default)
    {
        CheckpointSnapshot snapshot = await _free.Reader.ReadAsync(stopping);
        snapshot.Reset();
        return snapshot;
    }

    /// <summary>Hands a filled snapshot over; the task ends when it is on disk.</summary>
    /// <exception cref="IOException">In the task: the disk is full or failed.</exception>
    public Task PostAsync(CheckpointSnapshot snapshot)
    {
        TaskCompletionSource saved = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // There are as many places as snapshots, so this fails only after the end.
        return _posted.Writer.TryWrite((snapshot, saved))
            ? saved.Task
            : throw new InvalidOperationException("The checkpoint writer has ended.");
    }

    /// <summary>Waits until all that was posted is on disk; nothing can be posted afterwards.</summary>
    public async ValueTask DisposeAsync()
    {
        _posted.Writer.TryComplete();
        await _worker;
    }

    private async Task WriteAllAsync()
    {
        await foreach ((CheckpointSnapshot snapshot, TaskCompletionSource saved) in _posted.Reader.ReadAllAsync())
        {
            Exception? fault = null;
            try
            {
                Write(snapshot);
            }
            catch (Exception exception)
            {
                fault = exception;
            }

            _free.Writer.TryWrite(snapshot);
            if (fault is null)
            {
                saved.SetResult();
            }
            else
            {
                saved.SetException(fault);
            }
        }
    }

    private void Write(CheckpointSnapshot snapshot)
    {
        Checkpoint checkpoint = snapshot.ToCheckpoint(_configuration);
        if (snapshot.KeepByStep)
        {
            _store.Save(checkpoint);
        }

        if (snapshot.Score is { } score)
        {
            _store.SaveBest(checkpoint, score);
        }
    }
}
