using System.Collections.Concurrent;
using System.Globalization;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands;
using Distributed.Framework.Data;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Experiments;

/// <summary>Runs the cells of an experiment, several at once, and goes on when one fails.</summary>
/// <remarks>
/// A cell is one worker of one thread, since small models do not scale over threads; the result of a cell does not
/// depend on how many run beside it, nor on their order. Cells that are done are not run again.
/// </remarks>
/// <param name="runner">Trains one cell.</param>
/// <param name="parallel">Cells at once.</param>
/// <param name="note">Told a line for each cell. Any thread.</param>
internal sealed class ExperimentRunner(CellRunner runner, int parallel, Action<string> note)
{
    /// <summary>Runs them all.</summary>
    /// <param name="cells">In the order to begin with.</param>
    /// <param name="stop">Ends it; cells that are begun are saved.</param>
    /// <returns>The results in the order of the cells.</returns>
    public async Task<IReadOnlyList<CellResult>> RunAsync(IReadOnlyList<Cell> cells, CancellationToken stop)
    {
        CellResult?[] results = [.. cells.Select(cell => CellRecord.Read(runner.FolderOf(cell), cell))];
        ConcurrentQueue<int> open = new(Enumerable.Range(0, cells.Count).Where(index => results[index] is null));
        int done = cells.Count - open.Count;
        if (done > 0)
        {
            note($"{done} of {cells.Count} cells were done before");
        }

        bool isDiskFull = false;

        // Generated images live as long as somebody has them: here, so that each is drawn once for all cells.
        PairSource?[] held = open.IsEmpty ? [] : runner.HoldData(cells[open.First()]);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(parallel, open.Count)).Select(_ => Task.Run(LoopAsync)));
        GC.KeepAlive(held);
        return [.. cells.Select((cell, index) => results[index]
            ?? new CellResult { Cell = cell, Status = CellStatus.Stopped, Cause = "not begun" })];

        async Task LoopAsync()
        {
            while (!stop.IsCancellationRequested && !Volatile.Read(ref isDiskFull) && open.TryDequeue(out int index))
            {
                (CellResult result, int? code) = await TryAsync(cells[index], stop);
                results[index] = result;
                if (code == ExitCodes.DiskFull)
                {
                    Volatile.Write(ref isDiskFull, true);
                }

                note($"[{Interlocked.Increment(ref done)}/{cells.Count}] {Line(result)}");
            }
        }
    }

    private static string Line(CellResult result)
    {
        if (result.Status != CellStatus.Done)
        {
            return $"{result.Cell.Name}: {result.Status.ToString().ToLowerInvariant()}: {result.Cause}";
        }

        string value = result.Accuracy is { } accuracy ? Text($"accuracy {accuracy * 100:0.00} %")
            : result.Psnr is { } psnr ? Text($"PSNR {psnr:0.00} dB")
            : result.PsnrEstimated is { } estimated ? Text($"PSNR ~{estimated:0.00} dB")
            : Text($"loss {result.Loss:0.000000}");
        return Text($"{result.Cell.Name}: {value}, {result.Steps} steps in {result.Seconds:0.0} s");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private async Task<(CellResult Result, int? Code)> TryAsync(Cell cell, CancellationToken stop)
    {
        try
        {
            CellDisplay display = new(cell.Name, note);
            return (await runner.RunAsync(cell, display, stop), null);
        }
#pragma warning disable CA1031 // A cell's fault is a row of the table; the others go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ErrorReport report = ErrorReport.Of(exception);
            CellResult failed = new()
            {
                Cell = cell,
                Status = CellStatus.Failed,
                Cause = $"{report.Cause} {report.Remedy}",
                Run = runner.FolderOf(cell),
            };
            return (failed, report.ExitCode);
        }
    }

    /// <summary>Says how far a long cell is, once in a while; the notes of short ones are nobody's business.</summary>
    private sealed class CellDisplay(string name, Action<string> note) : ITrainingDisplay
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
                note(Text(
                    $"  {name}: step {progress.Step}/{progress.StepsTotal}, loss {progress.Loss:0.000000}, ")
                    + Text($"{progress.ImagesPerSecond:0} images/s"));
            }
        }

        public void OnValidated(int step, Evaluation evaluation)
        {
        }
    }
}
