using System.Globalization;
using System.Net;
using Distributed.Protocol.Messages;

namespace Distributed.Protocol.Cluster;

/// <summary>Who asks.</summary>
public enum ProbeRole
{
    /// <summary>A person's tool, or a coordinator that looks whether it can dial a worker; also any role unknown here.
    /// </summary>
    Tool,

    /// <summary>One that wants to join.</summary>
    Worker,

    /// <summary>Another coordinator of the run, which waits to take over.</summary>
    Standby,
}

/// <summary>Whether the asker may join.</summary>
public enum ProbeVerdict
{
    /// <summary>It may not, for a reason that is unknown here.</summary>
    Other,

    /// <summary>It may.</summary>
    Ok,

    /// <summary>Its token's secret is another one.</summary>
    Secret,

    /// <summary>It is of another version.</summary>
    Version,

    /// <summary>Its arithmetic would give other bits.</summary>
    Numerics,
}

/// <summary>What is asked before anything else.</summary>
public sealed record ProbeQuestion
{
    /// <summary>Who asks.</summary>
    public required ProbeRole Role { get; init; }

    /// <summary>The asker's version.</summary>
    public string Version { get; init; } = "";

    /// <summary>Fingerprint of the asker's arithmetic.</summary>
    public string Numerics { get; init; } = "";

    /// <summary>What people call the asker.</summary>
    public string Name { get; init; } = "";

    /// <summary>What others are to call the asker; null if it does not listen.</summary>
    public HostPort? Advertise { get; init; }

    internal byte[] ToBytes() => ProbeText.Write(
        ("role", ProbeText.Name(Role)),
        ("version", Version),
        ("numerics", Numerics),
        ("name", Name),
        ("advertise", Advertise?.ToString()));

    internal static ProbeQuestion Parse(ReadOnlySpan<byte> bytes)
    {
        Dictionary<string, string> fields = ProbeText.Parse(bytes);
        return new ProbeQuestion
        {
            Role = ProbeText.Find<ProbeRole>(fields, "role"),
            Version = fields.GetValueOrDefault("version", ""),
            Numerics = fields.GetValueOrDefault("numerics", ""),
            Name = fields.GetValueOrDefault("name", ""),
            Advertise = HostPort.Parse(fields.GetValueOrDefault("advertise", "")),
        };
    }
}

/// <summary>The answer.</summary>
public sealed record ProbeAnswer
{
    /// <summary>Whether the asker may join.</summary>
    public required ProbeVerdict Verdict { get; init; }

    /// <summary>Why not, or why it cannot be dialled.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The answerer's version.</summary>
    public string Version { get; init; } = "";

    /// <summary>Whether the answerer holds a run.</summary>
    public bool IsHolder { get; init; }

    /// <summary>Names the life of the holder's cluster.</summary>
    public string ClusterId { get; init; } = "";

    /// <summary>Of the holder; 0 if it is not known.</summary>
    public Term Term { get; init; }

    /// <summary>What the holder calls itself; null if it is not known.</summary>
    public HostPort? Address { get; init; }

    /// <summary>All coordinators of the run that are known, as they call themselves.</summary>
    public IReadOnlyList<HostPort> Coordinators { get; init; } = [];

    /// <summary>Whether the asker was dialled back.</summary>
    public bool IsDialled { get; init; }

    /// <summary>Where the question came from.</summary>
    public IPEndPoint? You { get; init; }

    internal byte[] ToBytes() => ProbeText.Write(
        ("verdict", ProbeText.Name(Verdict)),
        ("reason", Reason),
        ("version", Version),
        ("holder", IsHolder ? "yes" : "no"),
        ("cluster", ClusterId),
        ("term", Term.Value.ToString(CultureInfo.InvariantCulture)),
        ("address", Address?.ToString()),
        ("coordinators", string.Join(',', Coordinators)),
        ("dialled", IsDialled ? "yes" : "no"),
        ("you", You?.ToString()));

    internal static ProbeAnswer Parse(ReadOnlySpan<byte> bytes)
    {
        Dictionary<string, string> fields = ProbeText.Parse(bytes);
        _ = int.TryParse(
            fields.GetValueOrDefault("term"), NumberStyles.None, CultureInfo.InvariantCulture, out int term);
        return new ProbeAnswer
        {
            Verdict = ProbeText.Find<ProbeVerdict>(fields, "verdict"),
            Reason = fields.GetValueOrDefault("reason", ""),
            Version = fields.GetValueOrDefault("version", ""),
            IsHolder = fields.GetValueOrDefault("holder") == "yes",
            ClusterId = fields.GetValueOrDefault("cluster", ""),
            Term = new Term(term),
            Address = HostPort.Parse(fields.GetValueOrDefault("address", "")),
            Coordinators =
                [.. fields.GetValueOrDefault("coordinators", "").Split(',').Select(HostPort.Parse).OfType<HostPort>()],
            IsDialled = fields.GetValueOrDefault("dialled") == "yes",
            You = IPEndPoint.TryParse(fields.GetValueOrDefault("you", ""), out IPEndPoint? you) ? you : null,
        };
    }
}
