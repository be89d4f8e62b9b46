namespace Distributed.Coordinator.Commands.Doctor;

/// <summary>How a check went.</summary>
internal enum Health
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Works, but slower or less safely.</summary>
    Warn,

    /// <summary>Training cannot work here, or not as promised.</summary>
    Fail,
}

/// <summary>One line of the report.</summary>
/// <param name="Health">How it went.</param>
/// <param name="Subject">What was looked at.</param>
/// <param name="Observation">What was seen.</param>
/// <param name="Advice">What to do; null if nothing.</param>
internal sealed record Finding(Health Health, string Subject, string Observation, string? Advice = null)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        string advice = Advice is null ? "" : $" {Advice}";
        return $"{Health.ToString().ToUpperInvariant(),-4} {Subject,-10} {Observation}{advice}";
    }
}
