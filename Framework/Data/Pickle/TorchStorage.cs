namespace Distributed.Framework.Data.Pickle;

/// <summary>The memory behind tensors; several of them may share one.</summary>
/// <param name="type">Type of its elements.</param>
/// <param name="key">Its name in the file.</param>
/// <param name="elements">Its length, as the pickle claims.</param>
internal sealed class TorchStorage(TorchDType type, string key, long elements)
{
    public TorchDType Type { get; } = type;

    public string Key { get; } = key;

    public long Elements { get; } = elements;

    /// <summary>Its bytes, little-endian; null until they are read (the legacy format has them at its end).</summary>
    public byte[]? Bytes { get; set; }
}
