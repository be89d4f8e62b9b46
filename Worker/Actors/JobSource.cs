using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Worker.Actors;

/// <summary>Makes a coordinator's plan real on this machine: its data from the disk, the cache, or the link.</summary>
/// <remarks>
/// A generated source is generated here. Else the data are the ones named on this machine, if their hash is right; else
/// a file of the cache, named by its hash and checked against it; else they come over the link, once, into the cache.
/// The path that the coordinator knows them by is never opened here.
/// </remarks>
/// <param name="data">A source on this machine; null for none.</param>
/// <param name="cache">Folder for data that came over a link.</param>
/// <param name="note">Told what happens, a line each.</param>
public sealed class JobSource(string? data, string cache, Action<string> note)
{
    private const int HashDigits = 64;

    /// <summary>Where data are kept unless DISTRIBUTED_CACHE says otherwise.</summary>
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

    /// <summary>Opens data and compiles the model.</summary>
    /// <param name="plan">The coordinator's JSON.</param>
    /// <param name="fetcher">Gets data over the link.</param>
    /// <exception cref="ReportedException">Data or model do not fit the plan.</exception>
    public TrainingJob Prepare(string plan, DataFetcher fetcher)
    {
        RunConfiguration configuration = RunConfiguration.Parse(plan);
        return new TrainingJob(configuration, Open(configuration, fetcher));
    }

    private PairSource Open(RunConfiguration configuration, DataFetcher fetcher)
    {
        if (DataSources.IsGenerated(configuration.Data.Source))
        {
            return DataSources.OpenTraining(configuration.Data);
        }

        if (data is not null)
        {
            PairSource own = DataSources.OpenTraining(configuration.Data with { Source = data });
            if (own.ContentHash == configuration.DataHash)
            {
                return own;
            }

            note($"{data} holds other data than the run; they come over the link.");
        }

        return OpenCached(configuration, fetcher);
    }

    private PairSource OpenCached(RunConfiguration configuration, DataFetcher fetcher)
    {
        string hash = configuration.DataHash;
        if (hash.Length != HashDigits || !hash.All(char.IsAsciiHexDigitLower))
        {
            throw new DataException("The plan names its data by something that is no hash.", "Update the coordinator.");
        }

        string path = Path.Combine(cache, hash);
        if (File.Exists(path))
        {
            try
            {
                return DataSources.OpenPacked(configuration.Data, path, hash);
            }
            catch (DataException exception)
            {
                note($"{exception.Message} They are fetched again.");
            }
        }

        Directory.CreateDirectory(cache);
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write))
            {
                fetcher.Fetch(hash, stream);
                stream.Flush(flushToDisk: true);
            }

            // Checked before it gets its name; read from memory from now on.
            PairSource source = DataSources.OpenPacked(configuration.Data, temporary, hash);
            File.Move(temporary, path, overwrite: true);
            note($"The training data are in {path}");
            return source;
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
