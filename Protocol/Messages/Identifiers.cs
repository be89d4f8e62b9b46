namespace Distributed.Protocol.Messages;

/// <summary>
/// One joining of a worker: the coordinator numbers connections from 1 in each term, and never reuses one.
/// </summary>
public readonly record struct SessionId(int Value) : IComparable<SessionId>
{
    public static bool operator <(SessionId left, SessionId right) => left.Value < right.Value;

    public static bool operator >(SessionId left, SessionId right) => left.Value > right.Value;

    public static bool operator <=(SessionId left, SessionId right) => left.Value <= right.Value;

    public static bool operator >=(SessionId left, SessionId right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(SessionId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => $"w{Value}";
}

/// <summary>Counts the starts of a run's coordinator; messages of older terms are void.</summary>
public readonly record struct Term(int Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"t{Value}";
}

/// <summary>
/// The number of updates done: names the version of the weights, and the step that starts from it.
/// </summary>
public readonly record struct Step(int Value) : IComparable<Step>
{
    public Step Next => new(checked(Value + 1));

    public static bool operator <(Step left, Step right) => left.Value < right.Value;

    public static bool operator >(Step left, Step right) => left.Value > right.Value;

    public static bool operator <=(Step left, Step right) => left.Value <= right.Value;

    public static bool operator >=(Step left, Step right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(Step other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => $"s{Value}";
}
