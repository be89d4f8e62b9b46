using Distributed.Framework.Errors;
using static System.FormattableString;

namespace Distributed.Coordinator.Runs;

/// <summary>The network side of a standby; without one it answers nobody.</summary>
internal interface IStandbyPort
{
    /// <summary>The run is another's, or nobody's yet: what to answer to who asks. Called at every try.</summary>
    /// <param name="holder">Who holds it, as far as its folder tells.</param>
    void OnWaiting(RunHolder? holder);

    /// <summary>The run is this process's: from now on its session answers.</summary>
    void OnTaken();
}

/// <summary>Waits to take over a run: tries its lock every half second, which alone decides.</summary>
/// <param name="folder">The run folder; it may not be there yet.</param>
/// <param name="say">Told who is waited for: at first, when that changes, and every 30 s.</param>
/// <param name="clock">The clock.</param>
internal sealed class Standby(string folder, Action<string> say, TimeProvider clock)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_sayEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_silenceMax = TimeSpan.FromSeconds(5);

    /// <summary>Whose run it was at first: if that one had ended it for all, somebody has to begin anew.</summary>
    private readonly RunHolder? _first = RunHolder.Find(folder);

    private bool _mayBegin;
    private Task? _prepared;
    private string _said = "";
    private long _saidAt;

    /// <summary>The run folder.</summary>
    public string Folder => folder;

    /// <summary>Takes the lock of a folder; null if somebody else has it. Tests put faults here.</summary>
    public Func<string, RunLock?> TryLock { get; init; } = path => RunLock.TryTake(path);

    /// <summary>
    /// Called once the run is there: does beforehand what need not wait for the lock. What it throws ends the waiting.
    /// </summary>
    public Func<Task> Prepare { get; init; } = () => Task.CompletedTask;

    /// <summary>Its network side.</summary>
    public IStandbyPort? Port { get; set; }

    /// <summary>Who ended the run that was waited for, for all; null if nobody did.</summary>
    public RunHolder? Ended { get; private set; }

    /// <summary>
    /// Tries once, whatever became of the run before, and makes the folder if it is not there. From now on it takes
    /// what is free even if it holds no run yet.
    /// </summary>
    /// <exception cref="ConfigurationException">The folder cannot be written, or the lock keeps nobody out.</exception>
    public RunLock? TryBegin()
    {
        _mayBegin = true;
        return Guarded(() => RunFolder.TryLock(folder));
    }

    /// <summary>Waits until the run is this process's.</summary>
    /// <returns>Its lock, for the caller to dispose of; null if the run has <see cref="Ended"/>.</returns>
    /// <exception cref="ConfigurationException">The lock keeps nobody out.</exception>
    /// <exception cref="ReportedException">It could not be prepared for.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop waiting.</exception>
    public async Task<RunLock?> WaitAsync(CancellationToken stop)
    {
        while (true)
        {
            RunHolder? holder = RunHolder.Find(folder);
            bool isOver = holder is { Release: not (null or RunRelease.Left) };
            if (isOver && (!IsFirst(holder) || (!_mayBegin && holder!.Release == RunRelease.Finished)))
            {
                Ended = holder;
                return null;
            }

            bool isThere = ConfigurationFile.IsIn(folder);
            string what = !isThere ? $"a run in {folder}"
                : isOver ? $"somebody who resumes {folder}"
                : holder is null ? $"who holds {folder}"
                : Invariant($"{holder.Name} (term {holder.Term})");
            if ((_mayBegin || (isThere && !isOver)) && Try(ref what) is { } taken)
            {
                Port?.OnTaken();
                return await FirstPreparedAsync(taken);
            }

            if (isThere && (_prepared ??= Prepare()).IsFaulted)
            {
                await _prepared;
            }

            Port?.OnWaiting(holder);
            Say(what, holder is { Release: null } ? holder.Silence(clock) : TimeSpan.Zero);
            await Task.Delay(s_interval, clock, stop);
        }
    }

    private async Task<RunLock> FirstPreparedAsync(RunLock taken)
    {
        try
        {
            await (_prepared ?? Task.CompletedTask);
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    private RunLock? Try(ref string what)
    {
        try
        {
            return Guarded(() => TryLock(folder));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            what = $"{folder}, which cannot be tried: {exception.Message}";
            return null;
        }
    }

    private void Say(string what, TimeSpan silence)
    {
        if (what != _said || clock.GetElapsedTime(_saidAt) >= s_sayEvery)
        {
            (_said, _saidAt) = (what, clock.GetTimestamp());
            string more = silence > s_silenceMax ? Invariant($", silent for {silence.TotalSeconds:0} s") : "";
            say($"standby: waits for {what}{more}");
        }
    }

    private bool IsFirst(RunHolder? holder) => holder == (_first is null || holder is null
        ? _first
        : _first with { Heard = holder.Heard });

    private static RunLock? Guarded(Func<RunLock?> take)
    {
        try
        {
            return take();
        }
        catch (RunLostException exception)
        {
            throw new ConfigurationException(exception.CommandLine.Cause, exception.CommandLine.Remedy, exception);
        }
    }
}
