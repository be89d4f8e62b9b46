namespace Distributed.Protocol.Machines;

/// <summary>An instant: the time since the machine's shell started. Never goes back.</summary>
public readonly record struct Timestamp(TimeSpan SinceStart) : IComparable<Timestamp>
{
    public static Timestamp Zero => default;

    public static Timestamp operator +(Timestamp instant, TimeSpan time) => new(instant.SinceStart + time);

    public static TimeSpan operator -(Timestamp later, Timestamp earlier) => later.SinceStart - earlier.SinceStart;

    public static bool operator <(Timestamp left, Timestamp right) => left.SinceStart < right.SinceStart;

    public static bool operator >(Timestamp left, Timestamp right) => left.SinceStart > right.SinceStart;

    public static bool operator <=(Timestamp left, Timestamp right) => left.SinceStart <= right.SinceStart;

    public static bool operator >=(Timestamp left, Timestamp right) => left.SinceStart >= right.SinceStart;

    /// <summary>The earlier of two deadlines; null is never.</summary>
    public static Timestamp? Earlier(Timestamp? left, Timestamp? right) =>
        left is null ? right : right is null || left < right ? left : right;

    /// <inheritdoc/>
    public int CompareTo(Timestamp other) => SinceStart.CompareTo(other.SinceStart);

    /// <inheritdoc/>
    public override string ToString() => $"{SinceStart.TotalSeconds:0.###}s";
}
