using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Worker.Actors;

/// <summary>Makes a coordinator's plan real on this machine, with data from its disk or from the cache.</summary>
/// <remarks>
/// A generated source is generated here. Else the data are the ones named on this machine, if their hash is right; else
/// a file of the cache, named by its hash and checked against it; else they have to be fetched, once, into the cache.
/// The path that the coordinator knows them by is never opened here. Any thread may call.
/// </remarks>
/// <param name="data">A source on this machine; null for none.</param>
/// <param name="cache">Folder for data that were fetched.</param>
/// <param name="note">Called with what happens, a line each.</param>
public class JobSource(string? data, string cache, Action<string> note)
{
    private const int HashDigits = 64;

    /// <summary>Where fetched data are kept unless DISTRIBUTED_CACHE says otherwise.</summary>
    public static string DefaultCache()
    {
        string? folder = Environment.GetEnvironmentVariable("DISTRIBUTED_CACHE");
        if (!string.IsNullOrEmpty(folder))
        {
            return folder;
        }

        folder = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        folder = !string.IsNullOrEmpty(folder)
            ? folder
            : Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        return Path.Combine(string.IsNullOrEmpty(folder) ? Path.GetTempPath() : folder, "distributed", "data");
    }

    /// <summary>Opens data and compiles the model; null if the data are not here and must be fetched.</summary>
    /// <exception cref="ReportedException">Data or model do not fit the plan.</exception>
    public virtual TrainingJob? Open(RunConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        PairSource? source = DataSources.IsGenerated(configuration.Data.Source)
            ? DataSources.OpenTraining(configuration.Data)
            : OpenOwn(configuration) ?? OpenCached(configuration);
        return source is null ? null : new TrainingJob(configuration, source);
    }

    /// <summary>Creates the file for data as they come; it gets its place when it is checked.</summary>
    /// <exception cref="IOException">The folder or the file cannot be made.</exception>
    public FileStream CreateTemporary(string hash)
    {
        Directory.CreateDirectory(cache);
        return new FileStream(
            $"{PathOf(hash)}.{Environment.ProcessId}.tmp", FileMode.Create, FileAccess.Write, FileShare.Read);
    }

    /// <summary>Checks fetched data, opens them and compiles the model.</summary>
    /// <exception cref="ReportedException">The file is not the one of this hash, or does not fit the plan.</exception>
    public virtual TrainingJob OpenFetched(RunConfiguration configuration, string temporary)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        string hash = configuration.DataHash;
        return new TrainingJob(configuration, DataSources.OpenPacked(configuration.Data, temporary, hash));
    }

    /// <summary>Gives checked data their place in the cache.</summary>
    public void Keep(string temporary, string hash)
    {
        string path = PathOf(hash);
        File.Move(temporary, path, overwrite: true);
        note($"The training data are in {path}");
    }

    private string PathOf(string hash) => Path.Combine(cache, hash);

    private PairSource? OpenOwn(RunConfiguration configuration)
    {
        if (data is null)
        {
            return null;
        }

        PairSource own = DataSources.OpenTraining(configuration.Data with { Source = data });
        if (own.ContentHash == configuration.DataHash)
        {
            return own;
        }

        note($"{data} holds other data than the run; they come over the link.");
        return null;
    }

    private PairSource? OpenCached(RunConfiguration configuration)
    {
        string hash = configuration.DataHash;
        if (hash.Length != HashDigits || !hash.All(char.IsAsciiHexDigitLower))
        {
            throw new DataException("The plan names its data by something that is no hash.", "Update the coordinator.");
        }

        string path = PathOf(hash);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return DataSources.OpenPacked(configuration.Data, path, hash);
        }
        catch (DataException exception)
        {
            note($"{exception.Message} They are fetched again.");
            return null;
        }
    }
}
