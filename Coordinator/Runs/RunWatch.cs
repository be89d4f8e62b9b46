namespace Distributed.Coordinator.Runs;

/// <summary>While a run is held: shows that its holder lives, and looks whether it is asked to stop.</summary>
/// <remarks>A disk that does not answer delays both and nothing else.</remarks>
internal sealed class RunWatch : IAsyncDisposable
{
    /// <summary>The file in the run folder that asks the holder to end the run for all, by being there.</summary>
    public const string StopFile = "stop";

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(0.5);

    private readonly string _folder;
    private readonly Action _onStop;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private int _isLooking;

    /// <summary>Begins to look.</summary>
    /// <param name="folder">The run folder, held.</param>
    /// <param name="onStop">Called on a thread of the pool, once for each time that the file was there.</param>
    /// <param name="clock">The clock.</param>
    public RunWatch(string folder, Action onStop, TimeProvider clock)
    {
        _folder = folder;
        _onStop = onStop;
        _clock = clock;
        _timer = clock.CreateTimer(_ => Look(), null, s_interval, s_interval);
    }

    /// <summary>Ends it; nothing of it runs any more.</summary>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Look()
    {
        if (Interlocked.Exchange(ref _isLooking, 1) == 1)
        {
            return;
        }

        try
        {
            RunHolder.Touch(_folder, _clock);
            string stop = Path.Combine(_folder, StopFile);
            if (File.Exists(stop))
            {
                File.Delete(stop);
                _onStop();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next look may succeed.
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }
}
