using System.Diagnostics;
using System.Globalization;

namespace Distributed.EndToEnd.Tests.Link;

/// <summary>Two network namespaces with a cable between them, as two machines would be; gone after the test.</summary>
/// <remarks>Their packets never leave this machine: neither namespace has a route but to the other one.</remarks>
internal sealed class TwoHosts : IDisposable
{
    public const string CoordinatorAddress = "10.213.7.1";
    private const string WorkerAddress = "10.213.7.2";
    private readonly string _coordinator = Name("c");
    private readonly string _worker = Name("w");

    /// <summary>Whether the cable delays and loses packets; this kernel may not know how.</summary>
    public bool HasNetem { get; private set; }

    /// <summary>Makes them; null and the reason if tools or rights are missing.</summary>
    public static (TwoHosts? Hosts, string Why) Make()
    {
        TwoHosts hosts = new();
        string[] lines =
        [
            $"ip netns add {hosts._coordinator}",
            $"ip netns add {hosts._worker}",
            $"ip -n {hosts._coordinator} link add cable type veth peer name cable netns {hosts._worker}",
            $"ip -n {hosts._coordinator} addr add {CoordinatorAddress}/30 dev cable",
            $"ip -n {hosts._worker} addr add {WorkerAddress}/30 dev cable",
            $"ip -n {hosts._coordinator} link set lo up",
            $"ip -n {hosts._worker} link set lo up",
            $"ip -n {hosts._coordinator} link set cable up",
            $"ip -n {hosts._worker} link set cable up",
            $"ip netns exec {hosts._worker} true",
        ];
        foreach (string line in lines)
        {
            if (Execute(line) is { } fault)
            {
                hosts.Dispose();
                return (null, $"{line}: {fault}");
            }
        }

        hosts.HasNetem = new[] { hosts._coordinator, hosts._worker }.All(
            host => Execute($"tc -n {host} qdisc add dev cable root netem delay 20ms loss 1%") is null);
        return (hosts, "");
    }

    public RunningProgram Coordinator(IEnumerable<string> arguments) => Start(_coordinator, "coordinator", arguments);

    public RunningProgram Worker(IEnumerable<string> arguments) => Start(_worker, "worker", arguments);

    public void Cut() => Assert.Null(Execute($"ip -n {_worker} link set cable down"));

    public void Restore() => Assert.Null(Execute($"ip -n {_worker} link set cable up"));

    public void Dispose()
    {
        Execute($"ip netns del {_coordinator}");
        Execute($"ip netns del {_worker}");
    }

    private static string Name(string host) => string.Create(
        CultureInfo.InvariantCulture, $"distributed-{Environment.ProcessId}-{host}");

    /// <summary>Both env and ip replace themselves: the process is the program.</summary>
    private static RunningProgram Start(string host, string program, IEnumerable<string> arguments) => new(
        "/usr/bin/env",
        ["ip", "netns", "exec", host, Path.Combine(AppContext.BaseDirectory, program), .. arguments],
        environment: null);

    /// <summary>Runs a command; what it says if it fails, else null.</summary>
    private static string? Execute(string line)
    {
        ProcessStartInfo start = new("/usr/bin/env", line.Split(' ')) { RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string said = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : said;
    }
}
