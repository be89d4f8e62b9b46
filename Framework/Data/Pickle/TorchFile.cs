using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Pickle;

/// <summary>Reads what PyTorch's <c>torch.save</c> wrote, zip or legacy, without being able to run anything.</summary>
/// <remarks>
/// Files are hostile: every length is checked against the file before it is believed, and the result consists of plain
/// values and tensors only. Storages are read whole; memory is about the file's size.
/// </remarks>
public static class TorchFile
{
    private const int SniffBytes = 14;
    private static readonly string[] s_nestedNames = ["state_dict", "model_state_dict"];

    /// <summary>Whether a file begins like one of PyTorch's.</summary>
    public static bool IsTorchFile(string path)
    {
        return Guarded(path, () =>
        {
            using FileStream stream = Open(path);
            return ZipTorchFile.Begins(Start(stream)) || LegacyTorchFile.Begins(Start(stream));
        });
    }

    /// <summary>Reads all of a file.</summary>
    /// <exception cref="DataException">It is missing, damaged, no file of PyTorch's, or wants what is
    /// refused.</exception>
    public static PickleValue Load(string path)
    {
        return Guarded(path, () =>
        {
            using FileStream stream = Open(path);
            byte[] start = Start(stream);
            return ZipTorchFile.Begins(start) ? ZipTorchFile.Load(stream, path)
                : LegacyTorchFile.Begins(start) ? LegacyTorchFile.Load(stream, path)
                : throw new DataException(
                    $"{path} is no file of PyTorch's: it begins with other bytes.", "Save it with torch.save.");
        });
    }

    /// <summary>Reads a model's parameters and buffers, in the order of the file.</summary>
    /// <remarks>
    /// The dictionary is the file's value, or lies in a checkpoint under "state_dict" or "model_state_dict". Tensors
    /// may share memory; together they may not have more than four times the file's bytes.
    /// </remarks>
    /// <exception cref="DataException">As <see cref="Load"/>, or there is no dictionary of tensors.</exception>
    public static IReadOnlyList<StateDictEntry> LoadStateDict(string path)
    {
        PickleValue value = Load(path);
        PickleDict? dict = value as PickleDict;
        foreach (string name in s_nestedNames)
        {
            dict = dict?.Find(name) as PickleDict ?? dict;
        }

        if (dict is null || dict.Entries.Count == 0)
        {
            throw new DataException(
                $"{path} holds {value.Kind}, not a dictionary of tensors.", "Save model.state_dict() with torch.save.");
        }

        long bytesMax = 4 * new FileInfo(path).Length;
        List<StateDictEntry> entries = [];
        HashSet<string> names = [];
        foreach ((PickleValue key, PickleValue entry) in dict.Entries)
        {
            if (key is not PickleString name || entry is not TorchTensor tensor || !names.Add(name.Value))
            {
                string label = key is PickleString text ? $"'{text.Value}'" : key.Kind;
                throw new DataException(
                    $"{path}: entry {label} of the dictionary is {entry.Kind}, or comes twice; tensors are needed.",
                    "Save model.state_dict() with torch.save.");
            }

            bytesMax -= tensor.ElementCount * tensor.DType.ItemBytes();
            if (bytesMax < 0)
            {
                throw new DataException(
                    $"{path}: its tensors share memory so often that they exceed the file many times.",
                    "Save clones of the tensors.");
            }

            entries.Add(new StateDictEntry(name.Value, tensor.DType, [.. tensor.Shape], tensor.ToFloats()));
        }

        return entries;
    }

    private static T Guarded<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        // What ZipArchive throws at a damaged archive.
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException
            or NotSupportedException or ArgumentException or OverflowException)
        {
            throw new DataException($"{path} is damaged: {exception.Message}", "Copy the file again.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException(
                $"{path}: {exception.Message}", "Check that the file exists and may be read.", exception);
        }
    }

    private static FileStream Open(string path) => new(
        path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);

    private static byte[] Start(FileStream stream)
    {
        byte[] start = new byte[SniffBytes];
        stream.Position = 0;
        stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        return start;
    }
}
