using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Turns what the system throws at a file into faults that name it.</summary>
internal static class FileFaults
{
    /// <summary>Reads something.</summary>
    /// <exception cref="DataException">The file is missing, may not be read, or is damaged.</exception>
    public static T Guarded<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (Find(path, exception) is { } fault)
        {
            throw fault;
        }
    }

    /// <summary>The fault of a file that an exception tells of; null if it tells of something else.</summary>
    public static DataException? Find(string path, Exception exception) => exception switch
    {
        IOException full when AtomicFile.IsDiskFull(full) => null, // Nobody's fault who is read.
        EndOfStreamException => Damaged(path, "it ends too early", exception),
        IOException or UnauthorizedAccessException => new DataException(
            $"{path}: {exception.Message}", "Check that the file exists and may be read.", exception),
        // What ZipArchive and the decompressors throw at damage.
        InvalidDataException or NotSupportedException or ArgumentException or OverflowException =>
            Damaged(path, exception.Message, exception),
        _ => null,
    };

    /// <summary>All of a file.</summary>
    /// <exception cref="DataException">It is missing, may not be read, or is too large.</exception>
    public static byte[] ReadAllBytes(string path) => Guarded(path, () =>
    {
        using FileStream stream = File.OpenRead(path);
        if (stream.Length > Array.MaxLength)
        {
            throw new DataException(
                $"{path} has {stream.Length} bytes; at most {Array.MaxLength} can be read.", "Split it.");
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)stream.Length);
        stream.ReadExactly(bytes);
        return bytes;
    });

    /// <summary>The first bytes of a file, as many as there are.</summary>
    public static byte[] Start(string path, int length) => Guarded(path, () =>
    {
        using FileStream stream = File.OpenRead(path);
        byte[] start = new byte[length];
        return start[..stream.ReadAtLeast(start, length, throwOnEndOfStream: false)];
    });

    /// <summary>A damaged file.</summary>
    public static DataException Damaged(string path, string why, Exception? inner = null) =>
        new($"{path} is damaged: {why}.", "Copy or export the file again.", inner);
}
