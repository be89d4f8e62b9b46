using Distributed.Framework.Errors;

namespace Distributed.Framework.Checkpoints;

/// <summary>A safetensors file in memory. Reading one can only ever make arrays and strings.</summary>
public sealed class SafetensorsFile
{
    private SafetensorsFile(IReadOnlyDictionary<string, string> metadata, IReadOnlyList<SafetensorsTensor> tensors)
    {
        Metadata = metadata;
        Tensors = tensors;
    }

    /// <summary>The string map of the header; empty if there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>All tensors, in the order of the header.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>The tensor of that name, or null.</summary>
    public SafetensorsTensor? Find(string name) => Tensors.FirstOrDefault(tensor => tensor.Name == name);

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DataException">It is missing, unreadable, damaged, or no safetensors file.</exception>
    public static SafetensorsFile Read(string path) => WithStream(path, stream => Read(stream, path));

    /// <summary>Reads a whole stream from its start.</summary>
    /// <param name="stream">Seekable.</param>
    /// <param name="place">What to call it in errors.</param>
    /// <exception cref="DataException">It is damaged, or no safetensors file.</exception>
    public static SafetensorsFile Read(Stream stream, string place)
    {
        stream.Position = 0;
        return ReadData(stream, SafetensorsHeader.Read(stream, place));
    }

    /// <summary>Reads the tensors that a checked header announces, in the order in which they lie.</summary>
    /// <param name="stream">Seekable.</param>
    /// <param name="header">Its own.</param>
    /// <param name="onData">Told of the bytes of each tensor: together all that follows the header.</param>
    internal static SafetensorsFile ReadData(
        Stream stream, SafetensorsHeader header, Action<byte[]>? onData = null)
    {
        IReadOnlyList<SafetensorsEntry> entries = header.Entries;
        SafetensorsTensor[] tensors = new SafetensorsTensor[entries.Count];
        foreach (int i in Enumerable.Range(0, entries.Count)
            .OrderBy(i => entries[i].Begin).ThenBy(i => entries[i].End))
        {
            byte[] data = new byte[entries[i].End - entries[i].Begin];
            stream.Position = header.DataStart + entries[i].Begin;
            stream.ReadExactly(data);
            onData?.Invoke(data);
            tensors[i] = new SafetensorsTensor(entries[i], data);
        }

        return new SafetensorsFile(header.Metadata, tensors);
    }

    /// <summary>Opens a file for reading and turns the system's faults into errors that name it.</summary>
    internal static T WithStream<T>(string path, Func<Stream, T> read)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return read(stream);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"There is no file {path}.", "Check the name and the folder.", exception);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new DataException(
                $"The file '{path}' cannot be read: {exception.Message}",
                "Check what it is and its permissions.",
                exception);
        }
    }
}
