using System.Diagnostics;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Worker.Actors;

/// <summary>Makes a coordinator's plan real on this machine, with data from its disk or through the cache.</summary>
/// <remarks>
/// A generated source is generated here. Else the data are the ones named on this machine, if their hash is right; else
/// they are fetched, as far as they are needed, into a file of the cache that has their hash for its name
/// (<see cref="BlockCache"/>). The path that the coordinator knows them by is never opened here. Any thread may call.
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
            : OpenOwn(configuration);
        return source is null ? null : new TrainingJob(configuration, source);
    }

    /// <summary>Opens the file of the cache that has what was fetched of a plan's data, maybe by others.</summary>
    /// <param name="configuration">The plan.</param>
    /// <param name="index">Of its data.</param>
    /// <param name="onWanted">Called when there is something to fetch.</param>
    /// <exception cref="DataException">The plan names no data.</exception>
    /// <exception cref="IOException">The folder or the file cannot be made.</exception>
    public BlockCache OpenCache(RunConfiguration configuration, PackedIndex index, Action onWanted)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        string hash = configuration.DataHash;
        if (hash.Length != HashDigits || !hash.All(char.IsAsciiHexDigitLower))
        {
            throw new DataException("The plan names its data by something that is no hash.", "Update the coordinator.");
        }

        Directory.CreateDirectory(cache);
        return new BlockCache(Path.Combine(cache, hash), index, onWanted, Stopwatch.GetTimestamp);
    }

    /// <summary>Opens data that are fetched, and compiles the model; small data are waited for.</summary>
    /// <exception cref="ReportedException">The data do not fit the plan.</exception>
    /// <exception cref="OperationCanceledException">The blocks are given up.</exception>
    public virtual TrainingJob OpenFetched(RunConfiguration configuration, BlockCache blocks)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return new TrainingJob(
            configuration, DataSources.OpenPacked(configuration.Data, blocks, configuration.DataHash));
    }

    /// <summary>Says how fetching goes.</summary>
    public void Note(string line) => note(line);

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

        note($"{data} holds other data than the run; what is needed of those comes over the link.");
        return null;
    }
}
