using System.Numerics;

namespace Distributed.Framework.Data.Pickle;

/// <summary>What an unpickled file is made of: one of the types below, and nothing else.</summary>
/// <remarks>A list or dict may contain itself, so whoever walks a tree must bound the depth.</remarks>
public abstract class PickleValue
{
    /// <summary>What messages call it.</summary>
    public abstract string Kind { get; }
}

/// <summary>Python's None.</summary>
public sealed class PickleNone : PickleValue
{
    /// <summary>The only one.</summary>
    public static PickleNone Instance { get; } = new();

    /// <inheritdoc/>
    public override string Kind => "None";
}

/// <summary>A bool.</summary>
public sealed class PickleBool(bool value) : PickleValue
{
    /// <summary>The value.</summary>
    public bool Value { get; } = value;

    /// <inheritdoc/>
    public override string Kind => "a bool";
}

/// <summary>An integer, at most some hundred bits long.</summary>
public sealed class PickleInteger(BigInteger value) : PickleValue
{
    /// <summary>The value.</summary>
    public BigInteger Value { get; } = value;

    /// <inheritdoc/>
    public override string Kind => "an integer";
}

/// <summary>A float.</summary>
public sealed class PickleFloat(double value) : PickleValue
{
    /// <summary>The value.</summary>
    public double Value { get; } = value;

    /// <inheritdoc/>
    public override string Kind => "a float";
}

/// <summary>A string.</summary>
public sealed class PickleString(string value) : PickleValue
{
    /// <summary>The value.</summary>
    public string Value { get; } = value;

    /// <inheritdoc/>
    public override string Kind => "a string";
}

/// <summary>A tuple.</summary>
public sealed class PickleTuple(IReadOnlyList<PickleValue> items) : PickleValue
{
    /// <summary>Its items.</summary>
    public IReadOnlyList<PickleValue> Items { get; } = items;

    /// <inheritdoc/>
    public override string Kind => $"a tuple of {Items.Count}";
}

/// <summary>A list.</summary>
public sealed class PickleList : PickleValue
{
    /// <summary>Its items.</summary>
    public IReadOnlyList<PickleValue> Items => MutableItems;

    /// <inheritdoc/>
    public override string Kind => $"a list of {Items.Count}";

    internal List<PickleValue> MutableItems { get; } = [];
}

/// <summary>A dict or an OrderedDict: entries in the order of the file; equal keys are not merged.</summary>
public sealed class PickleDict : PickleValue
{
    /// <summary>Its entries.</summary>
    public IReadOnlyList<KeyValuePair<PickleValue, PickleValue>> Entries => MutableEntries;

    /// <inheritdoc/>
    public override string Kind => $"a dict of {Entries.Count}";

    internal List<KeyValuePair<PickleValue, PickleValue>> MutableEntries { get; } = [];

    /// <summary>The value of the last entry with a string key; null if there is none.</summary>
    public PickleValue? Find(string key)
    {
        for (int i = MutableEntries.Count - 1; i >= 0; i--)
        {
            if (MutableEntries[i].Key is PickleString text && text.Value == key)
            {
                return MutableEntries[i].Value;
            }
        }

        return null;
    }
}
