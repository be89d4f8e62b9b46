using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;
using Distributed.Worker.Actors;

namespace Distributed.Worker;

/// <summary>What a worker is asked to do.</summary>
/// <param name="Addresses">Where coordinators may be, and where it listens itself.</param>
/// <param name="TokenFile">File of the token; null for the environment.</param>
/// <param name="Threads">Shards computed at once.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Data">Source of the training data on this machine; null to get them from the coordinator.</param>
/// <param name="GiveUpAfter">Longest time without a coordinator.</param>
public sealed record WorkerRequest(
    JoinAddresses Addresses, string? TokenFile, int Threads, string Name, string? Data, TimeSpan GiveUpAfter);

/// <summary>The program's options: what they are called and what they allow.</summary>
internal sealed class WorkerArguments
{
    private const int ThreadsMax = 1024;
    private const int NameMax = 64;
    private static readonly TimeSpan s_giveUpAfter = TimeSpan.FromMinutes(10);

    private readonly Option<HostPort[]?> _join = Parsed(
        "--join", "HOST:PORT[,HOST:PORT]", "The coordinator's address, as it prints it; all that are given are tried",
        HostPort.ParseList, "HOST:PORT, or several with commas between them");

    private readonly Option<ListenAddress?> _listen = Parsed(
        "--listen", "HOST:PORT", "Where this worker listens [a free port, where it reaches the coordinator from]",
        ListenAddress.Parse, "an IP address, localhost or *, and a port");

    private readonly Option<HostPort?> _advertise = Parsed(
        "--advertise", "HOST:PORT", "What others are to call this worker [where it listens]",
        HostPort.Parse, "HOST:PORT");

    private readonly Option<string?> _tokenFile = Parsed(
        "--token-file", "FILE", "File with the token that lets this worker in [DISTRIBUTED_TOKEN]", NotEmpty, "a path");

    private readonly Option<int?> _threads = Parsed<int?>(
        "--threads", "N", "Threads that compute [one a core]", ParseThreads, "a whole number from 1 to 1024");

    private readonly Option<string?> _name = Parsed(
        "--name", "NAME", "What people call this worker [machine and process]",
        ParseName, "1 to 64 characters without blanks");

    private readonly Option<string?> _data = Parsed(
        "--data", "SOURCE", "The training data, if they are on this machine [from the coordinator, into a cache]",
        NotEmpty, "a path");

    private readonly Option<TimeSpan?> _giveUpAfter = Parsed<TimeSpan?>(
        "--give-up-after", "TIME", "Longest time without a coordinator [10m]",
        ParseTime, "a time such as 30s, 10m or 2h");

    /// <summary>Whether only to show what it would do by.</summary>
    public Option<bool> ShowConfig { get; } = new("--show-config")
    {
        Description = "Only show every option with its value, and where that is from",
        Arity = ArgumentArity.Zero,
    };

    public WorkerArguments() => _join.Required = true;

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
        [_join, _tokenFile, _listen, _advertise, _threads, _name, _data, _giveUpAfter, ShowConfig];

    /// <summary>What was asked for.</summary>
    public WorkerRequest Read(ParseResult result) => new(
        new JoinAddresses(
            result.GetValue(_join)!, result.GetValue(_listen), result.GetValue(_advertise)),
        result.GetValue(_tokenFile),
        result.GetValue(_threads) ?? Environment.ProcessorCount,
        result.GetValue(_name) ?? $"{Environment.MachineName}-{Environment.ProcessId}",
        result.GetValue(_data),
        result.GetValue(_giveUpAfter) ?? s_giveUpAfter);

    private static string? NotEmpty(string text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static string? ParseName(string text) =>
        text.Length is > 0 and <= NameMax && text.All(character => character is > ' ' and <= '~') ? text : null;

    private static int? ParseThreads(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int threads)
        && threads is >= 1 and <= ThreadsMax ? threads : null;

    private static TimeSpan? ParseTime(string text) =>
        TimeText.Parse(text) is { } time && time > TimeSpan.Zero ? time : null;

    private static Option<T> Parsed<T>(
        string name, string value, string description, Func<string, T> parse, string allowed) => new(name)
        {
            HelpName = value,
            Description = description,
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = result =>
            {
                T parsed = parse(result.Tokens[0].Value);
                if (parsed is null)
                {
                    result.AddError($"{name}: not allowed; allowed is {allowed}.");
                }

                return parsed;
            },
        };
}
