namespace Distributed.Framework.Data.Pickle;

/// <summary>
/// The few calls that a pickle may ask for, each rewritten here: nothing in a file names code to run.
/// </summary>
/// <remarks>
/// Sizes, strides and offsets are checked against the storage as it is claimed; the storage's claim is checked when its
/// bytes are read. A view may repeat elements (stride 0), but not have more bytes than the file.
/// </remarks>
/// <param name="reader">For messages.</param>
/// <param name="fileBytes">Length of the whole file.</param>
internal sealed class TensorBuilder(PickleReader reader, long fileBytes)
{
    private const int DimensionsMax = 16;
    private long _copied;

    /// <summary>Whether a name may appear at all.</summary>
    public static bool IsAllowed(string module, string name) => (module, name) switch
    {
        ("torch._utils", "_rebuild_tensor_v2" or "_rebuild_parameter") => true,
        ("collections", "OrderedDict") => true,
        _ => TorchDTypes.OfStorage(module, name) is not null,
    };

    /// <summary>Python's REDUCE: the value that a call would give.</summary>
    public PickleValue Call(PickleValue callable, PickleValue arguments)
    {
        if (callable is not PickleGlobal function || arguments is not PickleTuple tuple)
        {
            throw reader.Fault("a call has no function or no arguments");
        }

        IReadOnlyList<PickleValue> items = tuple.Items;
        return (function.Name, items.Count) switch
        {
            ("OrderedDict", 0) => new PickleDict(),
            ("OrderedDict", 1) => FromPairs(items[0]),
            ("_rebuild_parameter", 3) when items[0] is TorchTensor tensor => tensor,
            ("_rebuild_tensor_v2", 6 or 7) => Tensor(items),
            _ => throw reader.Refusal($"calling {function.FullName} with {items.Count} arguments of these kinds"),
        };
    }

    /// <summary>
    /// Python's BUILD: attributes of an object. Only an OrderedDict's metadata, which is passed over.
    /// </summary>
    public void Build(PickleValue target, PickleValue state)
    {
        bool harmless = target is PickleDict && state is PickleDict attributes
            && attributes.Entries.All(entry => entry.Key is PickleString { Value: "_metadata" });
        if (!harmless)
        {
            throw reader.Refusal($"setting attributes of {target.Kind}");
        }
    }

    /// <summary>What a persistent id stands for: ('storage', class, key, device, length[, view]).</summary>
    public TorchStorageValue Storage(PickleValue id, Dictionary<string, TorchStorage> storages)
    {
        if (id is not PickleTuple { Items: { Count: 5 or 6 } items }
            || items[0] is not PickleString { Value: "storage" }
            || items[1] is not PickleGlobal kind
            || TorchDTypes.OfStorage(kind.Module, kind.Name) is not { } type
            || items[2] is not PickleString { Value: string key })
        {
            throw reader.Fault("a persistent id is no storage");
        }

        long elements = Integer(items[4]);
        if (elements < 0 || elements > fileBytes / type.ItemBytes())
        {
            throw reader.Fault($"storage '{key}' of {elements} elements is larger than the file");
        }

        if (!storages.TryGetValue(key, out TorchStorage? storage))
        {
            storage = new TorchStorage(type, key, elements);
            storages.Add(key, storage);
        }

        if (storage.Type != type || storage.Elements != elements)
        {
            throw reader.Fault($"storage '{key}' has two types or lengths");
        }

        return items.Count == 6 ? View(storage, items[5]) : new TorchStorageValue(storage, 0, elements);
    }

    /// <summary>Very old files describe a storage as part of another: (key, offset, length).</summary>
    private TorchStorageValue View(TorchStorage storage, PickleValue view)
    {
        if (view is PickleNone)
        {
            return new TorchStorageValue(storage, 0, storage.Elements);
        }

        if (view is not PickleTuple { Items: { Count: 3 } items })
        {
            throw reader.Fault("a storage's view is no tuple of three");
        }

        long offset = Integer(items[1]);
        long length = Integer(items[2]);
        if (offset < 0 || length < 0 || offset > storage.Elements - length)
        {
            throw reader.Fault($"a view reaches outside storage '{storage.Key}'");
        }

        return new TorchStorageValue(storage, offset, length);
    }

    private TorchTensor Tensor(IReadOnlyList<PickleValue> items)
    {
        if (items[0] is not TorchStorageValue view
            || items[2] is not PickleTuple { Items.Count: <= DimensionsMax } sizes
            || items[3] is not PickleTuple strides
            || strides.Items.Count != sizes.Items.Count)
        {
            throw reader.Fault("a tensor has no storage, or sizes and strides that do not fit");
        }

        long[] shape = [.. sizes.Items.Select(Integer)];
        long[] steps = [.. strides.Items.Select(Integer)];
        long offset = Integer(items[1]);
        Int128 elements = 1;
        Int128 last = offset;
        for (int i = 0; i < shape.Length; i++)
        {
            if (shape[i] < 0 || steps[i] < 0)
            {
                throw reader.Fault("a tensor has a negative size or stride");
            }

            // Empty and non-empty alike: no product of sizes may leave the range of an array.
            elements *= Math.Max(1, shape[i]);
            last += (Int128)Math.Max(0, shape[i] - 1) * steps[i];
            if (elements > Array.MaxLength)
            {
                throw reader.Fault("a tensor has too many elements");
            }
        }

        if (elements * view.Storage.Type.ItemBytes() > Math.Max(fileBytes, 64))
        {
            throw reader.Fault("a tensor is larger than the file");
        }

        bool empty = shape.Contains(0);
        if (offset < 0 || offset > view.Length || (!empty && last >= view.Length))
        {
            throw reader.Fault($"a tensor reaches outside storage '{view.Storage.Key}'");
        }

        return new TorchTensor(view.Storage, view.Offset + offset, shape, steps);
    }

    private PickleDict FromPairs(PickleValue pairs)
    {
        PickleDict dict = new();
        IReadOnlyList<PickleValue> items =
            (pairs as PickleList)?.Items ?? throw reader.Fault("an OrderedDict's items are no list");
        _copied += items.Count;
        if (_copied > fileBytes)
        {
            throw reader.Fault("it copies its lists too often");
        }

        foreach (PickleValue item in items)
        {
            IReadOnlyList<PickleValue>? pair = (item as PickleTuple)?.Items ?? (item as PickleList)?.Items;
            if (pair is not { Count: 2 })
            {
                throw reader.Fault("an OrderedDict's item is no pair");
            }

            dict.MutableEntries.Add(new(pair[0], pair[1]));
        }

        return dict;
    }

    private long Integer(PickleValue value) =>
        value is PickleInteger integer && integer.Value >= long.MinValue && integer.Value <= long.MaxValue
            ? (long)integer.Value
            : throw reader.Fault($"an integer of at most 64 bits is expected, not {value.Kind}");
}

/// <summary>A name of the whitelist on the unpickler's stack; never part of a result.</summary>
internal sealed class PickleGlobal(string module, string name) : PickleValue
{
    public string Module { get; } = module;

    public string Name { get; } = name;

    public string FullName => $"{Module}.{Name}";

    /// <inheritdoc/>
    public override string Kind => $"the name {FullName}";
}

/// <summary>A storage, or a part of one, on the unpickler's stack; never part of a result.</summary>
internal sealed class TorchStorageValue(TorchStorage storage, long offset, long length) : PickleValue
{
    public TorchStorage Storage { get; } = storage;

    public long Offset { get; } = offset;

    public long Length { get; } = length;

    /// <inheritdoc/>
    public override string Kind => "a storage";
}
