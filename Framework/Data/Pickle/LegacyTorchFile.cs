using System.Numerics;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Pickle;

/// <summary>The format of torch.save before PyTorch 1.6.</summary>
/// <remarks>
/// Five pickles: magic number, protocol version 1001, system information (a dict with "little_endian"), the object, the
/// list of storage keys; then for each key the number of elements (8 bytes) and the elements.
/// </remarks>
internal static class LegacyTorchFile
{
    private const int ProtocolVersion = 1001;

    /// <summary>0x1950a86a20f9469cfc6c, as PyTorch's source has it.</summary>
    private static readonly BigInteger s_magicNumber = BigInteger.Parse(
        "119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Protocol 2, then a ten-byte integer: the magic number.</summary>
    public static bool Begins(ReadOnlySpan<byte> start) =>
        start.StartsWith<byte>([0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);

    public static PickleValue Load(Stream stream, string path)
    {
        PickleReader reader = new(stream, path);
        TensorBuilder builder = new(reader, stream.Length);
        Dictionary<string, TorchStorage> storages = [];
        bool known = Next() is PickleInteger magic && magic.Value == s_magicNumber
            && Next() is PickleInteger version && version.Value == ProtocolVersion;
        if (!known || Next() is not PickleDict system)
        {
            throw reader.Fault("its first numbers are not those of the format");
        }

        if (system.Find("little_endian") is PickleBool { Value: false })
        {
            throw new DataException($"{path} was saved on a big-endian machine.", "Save it on a little-endian one.");
        }

        PickleValue value = Next();
        if (Next() is not PickleList keys)
        {
            throw reader.Fault("it has no list of storages");
        }

        foreach (PickleValue key in keys.Items)
        {
            ReadStorage(reader, storages, key);
        }

        return storages.Values.All(storage => storage.Bytes is not null)
            ? value
            : throw reader.Fault("a tensor's storage is missing");

        PickleValue Next() => new Unpickler(reader, builder, storages).Load();
    }

    private static void ReadStorage(PickleReader reader, Dictionary<string, TorchStorage> storages, PickleValue key)
    {
        if (key is not PickleString name || !storages.TryGetValue(name.Value, out TorchStorage? storage)
            || storage.Bytes is not null)
        {
            throw reader.Fault("a storage is unknown or comes twice");
        }

        long elements = reader.ReadInt64();
        if (elements != storage.Elements)
        {
            throw reader.Fault($"storage '{storage.Key}' has {elements} elements, {storage.Elements} were announced");
        }

        storage.Bytes = reader.ReadBytes(elements * storage.Type.ItemBytes());
    }
}
