using System.Collections.Concurrent;
using Distributed.Coordinator.Actors;
using Distributed.Framework.Data;
using Distributed.Framework.Training;
using static System.FormattableString;

namespace Distributed.Coordinator.Experiments;

/// <summary>Runs the trials of an experiment, several at once, and goes on when one fails.</summary>
/// <remarks>
/// A trial is one worker of one thread, since small models do not scale over threads; the result of a trial does not
/// depend on how many run beside it, nor on their order. Trials that are done are not run again.
/// </remarks>
/// <param name="runner">Trains one trial.</param>
/// <param name="explain">Says why one failed.</param>
/// <param name="parallel">Trials at once.</param>
/// <param name="note">Told a line for each trial. Any thread.</param>
internal sealed class ExperimentRunner(
    TrialRunner runner, Func<Exception, TrialFault> explain, int parallel, Action<string> note)
{
    /// <summary>Runs them all.</summary>
    /// <param name="trials">In the order to begin with.</param>
    /// <param name="stop">Ends it; trials that are begun are saved.</param>
    /// <returns>The results in the order of the trials.</returns>
    public async Task<IReadOnlyList<TrialResult>> RunAsync(IReadOnlyList<Trial> trials, CancellationToken stop)
    {
        TrialResult?[] results = [.. trials.Select(trial => TrialRecord.Read(runner.FolderOf(trial), trial))];
        ConcurrentQueue<int> open = new(Enumerable.Range(0, trials.Count).Where(index => results[index] is null));
        int done = trials.Count - open.Count;
        if (done > 0)
        {
            note($"{done} of {trials.Count} trials were done before");
        }

        bool isDiskFull = false;

        // Generated images live as long as somebody has them: here, so that each is drawn once for all trials.
        PairSource?[] held = open.IsEmpty ? [] : runner.HoldData(trials[open.First()]);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(parallel, open.Count)).Select(_ => Task.Run(LoopAsync)));
        GC.KeepAlive(held);
        return [.. trials.Select((trial, index) => results[index]
            ?? new TrialResult { Trial = trial, Status = TrialStatus.Stopped, Cause = "not begun" })];

        async Task LoopAsync()
        {
            while (!stop.IsCancellationRequested && !Volatile.Read(ref isDiskFull) && open.TryDequeue(out int index))
            {
                (TrialResult result, bool isFull) = await TryAsync(trials[index], stop);
                results[index] = result;
                if (isFull)
                {
                    Volatile.Write(ref isDiskFull, true);
                }

                note($"[{Interlocked.Increment(ref done)}/{trials.Count}] {Line(result)}");
            }
        }
    }

    private static string Line(TrialResult result)
    {
        if (result.Status != TrialStatus.Done)
        {
            return $"{result.Trial.Name}: {result.Status.ToString().ToLowerInvariant()}: {result.Cause}";
        }

        string value = result.Accuracy is { } accuracy ? Invariant($"accuracy {accuracy * 100:0.00} %")
            : result.Psnr is { } psnr ? Invariant($"PSNR {psnr:0.00} dB") + Over(Metric.Psnr)
            : result.PsnrEstimated is { } estimated
                ? Invariant($"PSNR ~{estimated:0.00} dB") + Over(Metric.PsnrEstimated)
            : Invariant($"loss {result.Loss:0.000000}");
        return Invariant($"{result.Trial.Name}: {value}, {result.Steps} steps in {result.Seconds:0.0} s");

        string Over(Metric metric) => Gain.Of(metric, [result]) is { Difference: { } difference } gain
            ? Invariant($" ({difference:+0.00;-0.00;0.00}{(gain.IsBelow ? ", below its input" : "")})")
            : "";
    }

    private async Task<(TrialResult Result, bool IsDiskFull)> TryAsync(Trial trial, CancellationToken stop)
    {
        try
        {
            TrialDisplay display = new(trial.Name, note);
            return (await runner.RunAsync(trial, display, stop), false);
        }
#pragma warning disable CA1031 // A trial's fault is a row of the table; the others go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            TrialFault fault = explain(exception);
            TrialResult failed = new()
            {
                Trial = trial,
                Status = TrialStatus.Failed,
                Cause = fault.Text,
                Run = runner.FolderOf(trial),
            };
            return (failed, fault.IsDiskFull);
        }
    }

    /// <summary>Says how far a long trial is, once in a while; the notes of short ones are nobody's business.</summary>
    private sealed class TrialDisplay(string name, Action<string> note) : ITrainingDisplay
    {
        private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(20);
        private readonly TimeProvider _clock = TimeProvider.System;
        private long? _shownAt;

        public void Note(string line)
        {
            if (line.StartsWith("Add workers", StringComparison.Ordinal))
            {
                note(line);
            }
        }

        public void OnStep(in StepProgress progress)
        {
            _shownAt ??= _clock.GetTimestamp();
            if (_clock.GetElapsedTime(_shownAt.Value) >= s_interval)
            {
                _shownAt = _clock.GetTimestamp();
                note(Invariant(
                    $"  {name}: step {progress.Step}/{progress.StepsTotal}, loss {progress.Loss:0.000000}, ")
                    + Invariant($"{progress.ImagesPerSecond:0} images/s"));
            }
        }

        public void OnValidated(int step, Evaluation evaluation)
        {
        }
    }
}
