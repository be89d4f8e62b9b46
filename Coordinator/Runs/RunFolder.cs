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
    string Root = "runs");

/// <summary>The folder of one run: made or opened by the rules, locked for this process, and its term raised.</summary>
/// <remarks>
/// Order of opening: refuse what can be refused without a trace, lock, check again, raise the term, write config.json
/// and environment.json. So a refusal writes nothing but the lock, and a stop in between leaves a folder that can be
/// opened again.
/// </remarks>
public sealed class RunFolder : IDisposable
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Files that make a folder a run's, and that a new run would write over.</summary>
    private static readonly string[] s_runFiles =
        [ConfigurationFile.Name, "metrics.jsonl", "model.safetensors", "best.safetensors", "report.html"];

    /// <summary>What an opening leaves that was stopped before it wrote config.json.</summary>
    private static readonly string[] s_openingNames =
        ["lock", "lock.pid", "term", "environment.json", "checkpoints", "previews", "secrets"];

    private readonly RunLock _lock;

    private RunFolder(string path, RunLock runLock, long term, bool isResumed)
    {
        Folder = path;
        _lock = runLock;
        Term = term;
        IsResumed = isResumed;
    }

    /// <summary>The folder itself, absolute.</summary>
    public string Folder { get; }

    /// <summary>Which life of the coordinator this is; from 1, never used twice.</summary>
    public long Term { get; }

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
    public static RunFolder Open(RunFolderOptions options, TimeProvider clock)
    {
        string folder = Path.GetFullPath(options.Folder ?? DefaultFolder(options, clock));
        CheckMayOpen(folder, options.Resume);
        RunLock runLock = MakeAndLock(folder);
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
            long term = RunTerm.Raise(folder);
            if (saved != options.Configuration)
            {
                ConfigurationFile.Write(folder, options.Configuration);
            }

            JsonObject environment = RunEnvironment.Describe(options.CommandLine, term, clock);
            AtomicFile.WriteAllText(
                Path.Combine(folder, "environment.json"), environment.ToJsonString(s_indented) + "\n");
            Directory.CreateDirectory(Path.Combine(folder, "checkpoints"));
            Directory.CreateDirectory(Path.Combine(folder, "previews"));
            return new RunFolder(folder, runLock, term, isResumed);
        }
        catch
        {
            runLock.Dispose();
            throw;
        }
    }

    /// <summary>Lets another process have the folder.</summary>
    public void Dispose() => _lock.Dispose();

    private static string DefaultFolder(RunFolderOptions options, TimeProvider clock)
    {
        if (options.Resume != Resumption.None)
        {
            throw new ConfigurationException(
                "--resume does not say which run.", "Name its folder: --run runs/NAME --resume.");
        }

        string time = clock.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        string name = $"{time}-{FolderName.OfModel(options.Configuration.Model)}";
        string folder = Path.Combine(options.Root, name);
        for (int number = 2; Directory.Exists(folder); number++)
        {
            folder = Path.Combine(options.Root, $"{name}-{number}");
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

    private static RunLock MakeAndLock(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return RunLock.Take(folder);
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
