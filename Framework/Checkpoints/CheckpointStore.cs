using System.Globalization;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Checkpoints;

/// <summary>The checkpoints of one run: the newest few and the best, each whole or not there.</summary>
/// <remarks>
/// Files: <c>checkpoints/step-00001200.safetensors</c> and <c>best.safetensors</c>. An old one goes only after a newer
/// one is on disk and verified. The latest is found by scanning, so no pointer can be wrong. Not synchronized: one
/// thread at a time, and one process (the run folder's lock sees to that, and a guard that the lock still holds).
/// </remarks>
public sealed class CheckpointStore
{
    private const string FolderName = "checkpoints";
    private const string Prefix = "step-";
    private const string Suffix = ".safetensors";
    private const string ScoreKey = "score";

    private readonly int _keep;
    private readonly Func<string, Stream>? _create;
    private readonly WriteGuard? _guard;

    /// <summary>
    /// Files that did not verify when looked at; they count as no checkpoint and go after the next save.
    /// </summary>
    private readonly HashSet<string> _damaged = new(StringComparer.Ordinal);

    /// <summary>Opens or makes the folders, and removes what an earlier life left half-written.</summary>
    /// <param name="runFolder">The run folder.</param>
    /// <param name="keep">How many of the newest checkpoints stay; at least 1.</param>
    /// <param name="guard">Asked before every rename; null if no other process ever writes here.</param>
    public CheckpointStore(string runFolder, int keep = 3, WriteGuard? guard = null)
        : this(runFolder, keep, create: null, guard)
    {
    }

    /// <summary>
    /// As the public one, with the opening of temporary files handed in, so that tests can make it fail.
    /// </summary>
    internal CheckpointStore(
        string runFolder, int keep, Func<string, Stream>? create, WriteGuard? guard = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        _keep = keep;
        _create = create;
        _guard = guard;
        Folder = Path.Combine(runFolder, FolderName);
        BestPath = Path.Combine(runFolder, "best" + Suffix);
        Directory.CreateDirectory(Folder);
        AtomicFile.RemoveLeftovers(Folder);
        AtomicFile.RemoveLeftovers(runFolder, Path.GetFileName(BestPath));
    }

    /// <summary>Where the checkpoints by step are.</summary>
    public string Folder { get; }

    /// <summary>Where the best one is, if there is one.</summary>
    public string BestPath { get; }

    /// <summary>The checkpoints by step of a run, newest first; none if there is no such folder. Only looks.</summary>
    /// <param name="runFolder">The run folder.</param>
    public static IReadOnlyList<string> FilesOf(string runFolder)
    {
        string folder = Path.Combine(runFolder, FolderName);
        return Directory.Exists(folder) ? [.. ListNewestFirst(folder).Select(file => file.Path)] : [];
    }

    /// <summary>The file of a step, whether it is there or not.</summary>
    public string PathOf(long step) =>
        Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}{Suffix}"));

    /// <summary>Writes a checkpoint, verifies it, and only then lets the oldest go.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="IOException">The disk is full or failed, or the file did not read back as written; all that
    /// was there still is.</exception>
    public string Save(Checkpoint checkpoint)
    {
        string path = PathOf(checkpoint.Step);
        WriteVerified(path, checkpoint);
        _damaged.Remove(path);
        RemoveOld(path);
        return path;
    }

    /// <summary>Writes a checkpoint as the best one if its score is above that of the best so far.</summary>
    /// <param name="checkpoint">What to write.</param>
    /// <param name="score">Higher is better; NaN is never best.</param>
    /// <returns>Whether it was better and is now on disk.</returns>
    /// <exception cref="IOException">As <see cref="Save"/>.</exception>
    public bool SaveBest(Checkpoint checkpoint, double score)
    {
        if (double.IsNaN(score) || score <= FindBestScore())
        {
            return false;
        }

        Dictionary<string, string> extra = new(checkpoint.Extra)
        {
            [ScoreKey] = score.ToString("R", CultureInfo.InvariantCulture),
        };
        WriteVerified(BestPath, checkpoint with { Extra = extra });
        return true;
    }

    /// <summary>The newest valid checkpoint, or null if there is no checkpoint at all.</summary>
    /// <param name="reportDamaged">Told of every file that was passed over, newest first.</param>
    /// <exception cref="CheckpointException">Some are there, but none is valid.</exception>
    public Checkpoint? FindLatest(Action<DataException>? reportDamaged = null)
    {
        List<(long Step, string Path)> files = ListNewestFirst(Folder);
        foreach ((long step, string path) in files)
        {
            try
            {
                Checkpoint checkpoint = CheckpointFile.Read(path);
                return checkpoint.Step == step
                    ? checkpoint
                    : throw new DataException($"{path} holds step {checkpoint.Step}.", "Give it back its own name.");
            }
            catch (DataException exception)
            {
                _damaged.Add(path);
                reportDamaged?.Invoke(exception);
            }
        }

        return files.Count == 0 ? null : throw new CheckpointException(
            $"None of the {files.Count} checkpoints in {Folder} is valid.",
            "Restore one from a backup, or start a new run in another folder"
            + (File.Exists(BestPath) ? $" with --init {BestPath}." : "."));
    }

    /// <summary>Score of the best checkpoint, or null if there is none or it is damaged.</summary>
    public double? FindBestScore()
    {
        if (!File.Exists(BestPath))
        {
            return null;
        }

        try
        {
            string? score = CheckpointFile.ReadExtra(BestPath).GetValueOrDefault(ScoreKey);
            bool isNumber = double.TryParse(score, NumberStyles.Float, CultureInfo.InvariantCulture, out double value);
            return isNumber ? value : null;
        }
        catch (DataException)
        {
            return null;
        }
    }

    private void WriteVerified(string path, Checkpoint checkpoint) =>
        AtomicFile.Write(path, stream => CheckpointFile.Write(stream, checkpoint), Verify, _create, _guard);

    private static void Verify(string temporary)
    {
        try
        {
            CheckpointFile.Verify(temporary);
        }
        catch (DataException exception)
        {
            throw new IOException(
                $"The checkpoint did not read back as it was written: {exception.Message}", exception);
        }
    }

    private void RemoveOld(string newest)
    {
        IEnumerable<string> old = ListNewestFirst(Folder)
            .Select(file => file.Path)
            .Where(path => path != newest && !_damaged.Contains(path))
            .Skip(_keep - 1);
        foreach (string path in old.Concat(_damaged).ToList())
        {
            File.Delete(path);
        }

        _damaged.Clear();
    }

    private static List<(long Step, string Path)> ListNewestFirst(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, Prefix + "*" + Suffix)
            .Select(path => (Step: StepOf(path), Path: path))
            .Where(file => file.Step >= 0)
            .OrderByDescending(file => file.Step),
    ];

    /// <summary>The step in a file's name, or -1 if it is not one of ours.</summary>
    private static long StepOf(string path)
    {
        string digits = Path.GetFileName(path)[Prefix.Length..^Suffix.Length];
        return digits.Length >= 8
            && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : -1;
    }
}
