using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary>How to open a run folder.</summary>
/// <param name="Configuration">Everything that the result depends on.</param>
/// <param name="Saved">What config.json held when it was read; null to read it if it is there.</param>
/// <param name="Folder">Exactly this folder; null for a new one under <paramref name="Root"/>.</param>
/// <param name="Resume">What to do about a run that is there.</param>
/// <param name="MayChange">Dotted configuration keys that a resumed run may change.</param>
/// <param name="CommandLine">Arguments of the program, for the record; secrets are left out.</param>
/// <param name="Root">Where runs without a folder of their own go.</param>
public sealed record RunFolderOptions(
    RunConfiguration Configuration,
    RunConfiguration? Saved,
    string? Folder,
    Resumption Resume,
    IReadOnlySet<string> MayChange,
    IReadOnlyList<string> CommandLine,
    string Root = "runs")
{
    /// <summary>The folder's lock if this process has it already; the run's own from now on.</summary>
    internal RunLock? Lock { get; init; }
}

/// <summary>The folder of one run: made or opened by the rules, locked for this process, and its term raised.</summary>
/// <remarks>
/// Order of opening: refuse what can be refused without a trace, lock, check again, raise the term, say who holds it,
/// make sure that nobody else does, write config.json and environment.json. So a refusal writes nothing but the lock,
/// and a stop in between leaves a folder that can be opened again.
/// </remarks>
public sealed class RunFolder : IDisposable
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Files that make a folder a run's, and that a new run would write over.</summary>
    private static readonly string[] s_runFiles =
        [ConfigurationFile.Name, "metrics.jsonl", "model.safetensors", "best.safetensors", "report.html"];

    /// <summary>What an opening leaves that was stopped before it wrote config.json.</summary>
    private static readonly string[] s_openingNames =
    [
        "lock", "term", "holder", RunWatch.StopFile, "environment.json", "checkpoints", "previews", "secrets",
    ];

    private readonly RunLock _lock;
    private RunHolder _holder;

    private RunFolder(string path, RunLock runLock, RunHolder holder, bool isResumed)
    {
        Folder = path;
        _lock = runLock;
        _holder = holder;
        IsResumed = isResumed;
        Guard = new WriteGuard(Verify, $"term-{Term}");
    }

    /// <summary>The folder itself, absolute.</summary>
    public string Folder { get; }

    /// <summary>Which life of the coordinator this is; from 1, never used twice.</summary>
    public long Term => _holder.Term;

    /// <summary>
    /// Goes before every rename of weights: throws <see cref="RunLostException"/> if another process holds the run.
    /// </summary>
    public WriteGuard Guard { get; }

    /// <summary>Whether a run was there before, perhaps with checkpoints.</summary>
    public bool IsResumed { get; }

    /// <summary>
    /// Path of a file in the folder: <c>metrics.jsonl</c>, <c>model.safetensors</c>, <c>report.html</c>.
    /// </summary>
    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>Makes a run folder, or opens one to resume.</summary>
    /// <param name="options">What is wanted.</param>
    /// <param name="clock">Names new folders and dates environment.json.</param>
    /// <exception cref="ConfigurationException">
    /// The folder is in use, holds a run though none is to be resumed, or holds one of another configuration.
    /// </exception>
    /// <exception cref="DataException">config.json or term is damaged.</exception>
    /// <exception cref="RunLostException">The lock does not keep others out.</exception>
    public static RunFolder Open(RunFolderOptions options, TimeProvider clock)
    {
        string folder = Path.GetFullPath(options.Folder ?? DefaultFolder(options, clock));
        CheckMayOpen(folder, options.Resume);
        RunLock runLock = options.Lock ?? InFolder(folder, () => RunLock.Take(folder));
        try
        {
            CheckMayStart(folder, options.Resume);
            bool isResumed = HoldsRun(folder);
            RunConfiguration? saved = isResumed ? options.Saved ?? ConfigurationFile.Read(folder) : null;
            if (saved is not null)
            {
                ResumeRules.Check(
                    $"The run in {folder}",
                    saved,
                    options.Configuration,
                    options.MayChange,
                    "Use the options it was started with, or start a new run in another folder with --run.");
            }

            AtomicFile.RemoveLeftovers(folder);
            RunHolder holder = RunHolder.OfThisProcess(RunTerm.Raise(folder), clock);
            holder.Write(folder);
            RunFolder opened = new(folder, runLock, holder, isResumed);
            opened.Verify();
            File.Delete(opened[RunWatch.StopFile]); // It was meant for an earlier life.
            if (saved != options.Configuration)
            {
                ConfigurationFile.Write(folder, options.Configuration);
            }

            JsonObject environment = RunEnvironment.Describe(options.CommandLine, holder.Term, clock);
            AtomicFile.WriteAllText(opened["environment.json"], environment.ToJsonString(s_indented) + "\n");
            Directory.CreateDirectory(opened["checkpoints"]);
            Directory.CreateDirectory(opened["previews"]);
            return opened;
        }
        catch
        {
            runLock.Dispose();
            throw;
        }
    }

    /// <summary>Makes a folder if it is not there, and takes its lock; null if somebody else has that.</summary>
    /// <exception cref="ConfigurationException">The folder cannot be written.</exception>
    /// <exception cref="RunLostException">The lock does not keep others out.</exception>
    internal static RunLock? TryLock(string folder) => InFolder(folder, () => RunLock.TryTake(folder));

    /// <summary>Says where the holder listens: HOST:PORT.</summary>
    public void Announce(string address)
    {
        _holder = _holder with { Address = address };
        _holder.Write(Folder);
    }

    /// <summary>Says how the run comes to be let go, which <see cref="Dispose"/> does next.</summary>
    internal void Release(RunRelease how) => (_holder with { Release = how }).Write(Folder);

    /// <summary>Lets another process have the folder.</summary>
    public void Dispose() => _lock.Dispose();

    private static string DefaultFolder(RunFolderOptions options, TimeProvider clock)
    {
        if (options.Resume != Resumption.None)
        {
            throw new ConfigurationException(
                "--resume does not say which run.", "Name its folder: --run runs/NAME --resume.");
        }

        return NewIn(options.Root, options.Configuration.Model, clock);
    }

    /// <summary>A folder that is not there, named by the time and the model.</summary>
    internal static string NewIn(string root, string model, TimeProvider clock)
    {
        string time = clock.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        string name = $"{time}-{FolderName.OfModel(model)}";
        string folder = Path.Combine(root, name);
        for (int number = 2; Directory.Exists(folder); number++)
        {
            folder = Path.Combine(root, $"{name}-{number}");
        }

        return folder;
    }

    private static bool HoldsRun(string folder) =>
        Array.Exists(s_runFiles, name => File.Exists(Path.Combine(folder, name)))
        || (Directory.Exists(Path.Combine(folder, "checkpoints"))
            && Directory.EnumerateFiles(Path.Combine(folder, "checkpoints"), "*.safetensors").Any());

    /// <summary>Refuses what can be refused without a trace: a run where none may be, or none where one must.</summary>
    /// <exception cref="ConfigurationException">It is refused; nothing was written.</exception>
    public static void CheckMayOpen(string folder, Resumption resume)
    {
        CheckMayStart(folder, resume);
        if (resume != Resumption.None)
        {
            CheckMayResume(folder, resume);
        }
    }

    private static void CheckMayStart(string folder, Resumption resume)
    {
        if (resume == Resumption.None && HoldsRun(folder))
        {
            throw new ConfigurationException(
                $"The folder {folder} already holds a run.",
                "Add --resume to go on with it, or choose another folder with --run; nothing was written.");
        }
    }

    /// <summary>
    /// Refuses a folder that holds other things than a run: those of --repeat, or somebody else's files. One that is
    /// empty or missing, or whose opening was stopped, holds none: to begin one there must have been asked for.
    /// </summary>
    private static void CheckMayResume(string folder, Resumption resume)
    {
        if (HoldsRun(folder))
        {
            return;
        }

        CheckNoOtherThings(folder);
        if (resume == Resumption.Existing)
        {
            throw new ConfigurationException(
                $"There is no run to resume in {folder}.",
                "Name the folder of a run with --run, or begin one there with --resume=auto; nothing was written.");
        }
    }

    private static void CheckNoOtherThings(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }

        string[] runs = [.. Directory.EnumerateDirectories(folder)
            .Where(ConfigurationFile.IsIn)
            .Order(StringComparer.Ordinal)];
        if (runs.Length > 0)
        {
            throw new ConfigurationException(
                $"The folder {folder} holds runs, but is none itself.",
                $"Resume one of them, with --run: {string.Join(", ", runs.Take(8))}, or all with --repeat N; nothing "
                + "was written.");
        }

        string? other = Directory.EnumerateFileSystemEntries(folder)
            .Select(Path.GetFileName)
            .Order(StringComparer.Ordinal)
            .FirstOrDefault(name => !s_openingNames.Contains(name)
                && !name!.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal));
        if (other is not null)
        {
            throw new ConfigurationException(
                $"The folder {folder} holds no run to resume: {ConfigurationFile.Name} is missing, {other} is there.",
                "Name the run's own folder with --run, or begin in an empty one with --resume=auto; nothing was "
                + "written.");
        }
    }

    private void Verify()
    {
        _lock.Verify();
        if (FindTerm() is var term && term != Term)
        {
            throw new RunLostException(
                $"The run in {Folder} is another coordinator's: its term is {term?.ToString() ?? "lost"}, not {Term}.",
                "That one goes on with it (status --run DIR names it); nothing more was written here.");
        }
    }

    private long? FindTerm()
    {
        try
        {
            return RunTerm.Find(Folder);
        }
        catch (Exception exception) when (exception is DataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static T InFolder<T>(string folder, Func<T> take)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return take();
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException || File.Exists(folder))
        {
            throw new ConfigurationException(
                $"The run folder {folder} cannot be written: {exception.Message}",
                "Choose another folder with --run, or fix its permissions.",
                exception);
        }
    }
}
