using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;

namespace Distributed.Coordinator.Runs;

/// <summary>How to open a run folder.</summary>
/// <param name="Configuration">Everything that the result depends on.</param>
/// <param name="Model">Name or file of the model; goes into the default folder name.</param>
/// <param name="Folder">Exactly this folder; null for a new one under <paramref name="Root"/>.</param>
/// <param name="Resume">Whether to go on with the run that is there.</param>
/// <param name="MayChange">Dotted configuration keys that a resumed run may change.</param>
/// <param name="CommandLine">Arguments of the program, for the record; secrets are left out.</param>
/// <param name="Root">Where runs without a folder of their own go.</param>
public sealed record RunFolderOptions(
    JsonObject Configuration,
    string Model,
    string? Folder,
    bool Resume,
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
    private const string ConfigurationName = "config.json";
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Files that make a folder a run's, and that a new run would write over.</summary>
    private static readonly string[] s_runFiles =
        [ConfigurationName, "metrics.jsonl", "model.safetensors", "best.safetensors", "report.html"];

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
        CheckMayStart(folder, options.Resume);
        if (options.Resume)
        {
            CheckMayResume(folder);
        }

        RunLock runLock = MakeAndLock(folder);
        try
        {
            CheckMayStart(folder, options.Resume);
            bool isResumed = HoldsRun(folder);
            if (isResumed)
            {
                CheckSameConfiguration(folder, options);
            }

            AtomicFile.RemoveLeftovers(folder);
            long term = RunTerm.Raise(folder);
            AtomicFile.WriteAllText(
                Path.Combine(folder, ConfigurationName), options.Configuration.ToJsonString(s_indented) + "\n");
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

    /// <summary>The folder for tokens and certificates, which only the user may enter; made if need be.</summary>
    public string OpenSecrets()
    {
        string path = this["secrets"];
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return path;
        }

        const UnixFileMode UserOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(path, UserOnly);
        File.SetUnixFileMode(path, UserOnly);
        return path;
    }

    /// <summary>Lets another process have the folder.</summary>
    public void Dispose() => _lock.Dispose();

    private static string DefaultFolder(RunFolderOptions options, TimeProvider clock)
    {
        if (options.Resume)
        {
            throw new ConfigurationException(
                "--resume does not say which run.", "Name its folder: --run runs/NAME --resume.");
        }

        string time = clock.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        string name = $"{time}-{Slug(options.Model)}";
        string folder = Path.Combine(options.Root, name);
        for (int number = 2; Directory.Exists(folder); number++)
        {
            folder = Path.Combine(options.Root, $"{name}-{number}");
        }

        return folder;
    }

    /// <summary>
    /// The model's name without its folder, ending and overrides, in characters that any system allows.
    /// </summary>
    private static string Slug(string model)
    {
        string name = Path.GetFileName(model.Split(':')[0].TrimEnd('/', '\\'));
        name = name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? name[..^".json".Length] : name;
        StringBuilder slug = new();
        foreach (char character in name.Length > 40 ? name[..40] : name)
        {
            slug.Append(char.IsAsciiLetterOrDigit(character) || character is '-' or '_' ? character : '-');
        }

        return slug.Length == 0 ? "model" : slug.ToString();
    }

    /// <summary>Whether a folder is that of a run: its configuration is there.</summary>
    public static bool HasConfiguration(string folder) => File.Exists(Path.Combine(folder, ConfigurationName));

    private static bool HoldsRun(string folder) =>
        Array.Exists(s_runFiles, name => File.Exists(Path.Combine(folder, name)))
        || (Directory.Exists(Path.Combine(folder, "checkpoints"))
            && Directory.EnumerateFiles(Path.Combine(folder, "checkpoints"), "*.safetensors").Any());

    private static void CheckMayStart(string folder, bool resume)
    {
        if (!resume && HoldsRun(folder))
        {
            throw new ConfigurationException(
                $"The folder {folder} already holds a run.",
                "Add --resume to go on with it, or choose another folder with --run; nothing was written.");
        }
    }

    /// <summary>
    /// Refuses to resume a folder that holds other things than a run: those of --repeat, or somebody else's files. One
    /// that is empty or missing, or whose opening was stopped, is a run at step 0.
    /// </summary>
    private static void CheckMayResume(string folder)
    {
        if (!Directory.Exists(folder) || HoldsRun(folder))
        {
            return;
        }

        string[] runs = [.. Directory.EnumerateDirectories(folder)
            .Where(HasConfiguration)
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
                $"The folder {folder} holds no run to resume: {ConfigurationName} is missing, {other} is there.",
                "Name the run's own folder with --run, or an empty one to begin; nothing was written.");
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
                "Choose another folder with --run, or mend its permissions.",
                exception);
        }
    }

    private static void CheckSameConfiguration(string folder, RunFolderOptions options)
    {
        JsonNode saved = ReadConfiguration(Path.Combine(folder, ConfigurationName));
        HashSet<string> mayChange = [.. options.MayChange];
        IReadOnlyList<ConfigurationDifference> differences =
            ConfigurationDifference.Find(saved, options.Configuration, mayChange);
        if (differences.Count > 0)
        {
            throw new ConfigurationException(
                $"The run in {folder} has another configuration: {string.Join("; ", differences)}.",
                "Use the options it was started with, or start a new run in another folder with --run.");
        }
    }

    private static JsonObject ReadConfiguration(string path)
    {
        const string Remedy = "Restore it from a backup or a checkpoint's metadata, or start a new run with --run.";
        try
        {
            // A repeated key would otherwise be noticed only when the object is looked into.
            return JsonNode.Parse(
                File.ReadAllText(path),
                documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject
                ?? throw new DataException($"{path} holds no JSON object.", Remedy);
        }
        catch (Exception exception) when (exception is JsonException or IOException or ArgumentException)
        {
            throw new DataException($"{path} cannot be read: {exception.Message}", Remedy, exception);
        }
    }
}
