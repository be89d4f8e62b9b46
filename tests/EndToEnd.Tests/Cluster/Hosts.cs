using System.Diagnostics;
using System.Globalization;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>Network namespaces on one switch, as so many machines would be; gone after the test.</summary>
/// <remarks>Their packets never leave this machine: no namespace has a route but to the others.</remarks>
internal sealed class Hosts : IDisposable
{
    private readonly string _prefix;
    private readonly string _switch;
    private readonly int _count;
    private bool _isGone;

    private Hosts(string prefix, int count)
    {
        _prefix = prefix;
        _switch = $"{prefix}-s";
        _count = count;
    }

    /// <summary>The address of a host, 0 to count - 1.</summary>
    public static string Address(int host) => string.Create(CultureInfo.InvariantCulture, $"10.213.7.{host + 1}");

    /// <summary>Makes them; null and the reason if tools or rights are missing.</summary>
    public static (Hosts? Hosts, string Why) Make(int count)
    {
        Hosts hosts = new($"d{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..4]}", count);
        List<string> lines =
        [
            $"ip netns add {hosts._switch}",
            $"ip -n {hosts._switch} link add switch type bridge",
            $"ip -n {hosts._switch} link set switch up",
        ];
        for (int i = 0; i < count; i++)
        {
            string host = hosts.Name(i);
            lines.AddRange(
            [
                $"ip netns add {host}",
                $"ip -n {host} link add cable type veth peer name port{i} netns {hosts._switch}",
                $"ip -n {host} addr add {Address(i)}/24 dev cable",
                $"ip -n {host} link set lo up",
                $"ip -n {host} link set cable up",
                $"ip -n {hosts._switch} link set port{i} master switch",
                $"ip -n {hosts._switch} link set port{i} up",
                $"ip netns exec {host} nft add table ip wall",
                $"ip netns exec {host} nft add chain ip wall in {{ type filter hook input priority 0 ; }}",
                $"ip netns exec {host} nft add chain ip wall out {{ type filter hook output priority 0 ; }}",
            ]);
        }

        foreach (string line in lines)
        {
            if (Execute(line) is { } fault)
            {
                hosts.Dispose();
                return (null, $"{line}: {fault}");
            }
        }

        return (hosts, "");
    }

    /// <summary>Starts a program on a host. Both env and ip replace themselves: the process is the program.</summary>
    public RunningProgram Start(
        int host,
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null) => new(
        "/usr/bin/env",
        ["ip", "netns", "exec", Name(host), Path.Combine(AppContext.BaseDirectory, program), .. arguments],
        environment);

    /// <summary>Takes a host's cable away: it and the others lose each other's packets without a word.</summary>
    public void Cut(int host) => Wall(host, "in drop", "out drop");

    /// <summary>Loses what a host sends, but not what it is sent.</summary>
    public void Mute(int host) => Wall(host, "out drop");

    /// <summary>Loses what two hosts say to each other.</summary>
    public void CutBetween(int host, int other) =>
        Wall(host, $"in ip saddr {Address(other)} drop", $"out ip daddr {Address(other)} drop");

    /// <summary>Lets nobody open a connection to a host, which may open its own.</summary>
    public void ForbidDialling(int host) => Wall(host, "in ct state new drop");

    /// <summary>Sends what comes to a port of a host to another port there.</summary>
    public void Forward(int host, int port, int target)
    {
        string nft = $"ip netns exec {Name(host)} nft";
        Require($"{nft} add table ip forward");
        Require($"{nft} add chain ip forward pre {{ type nat hook prerouting priority -100 ; }}");
        Require($"{nft} add rule ip forward pre tcp dport {port} redirect to :{target}");
    }

    /// <summary>Mends everything about a host.</summary>
    public void Mend(int host)
    {
        Require($"ip netns exec {Name(host)} nft flush chain ip wall in");
        Require($"ip netns exec {Name(host)} nft flush chain ip wall out");
    }

    public void Dispose()
    {
        if (_isGone)
        {
            return;
        }

        _isGone = true;
        for (int i = 0; i < _count; i++)
        {
            Execute($"ip netns del {Name(i)}");
        }

        Execute($"ip netns del {_switch}");
    }

    private string Name(int host) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}-{host}");

    private void Wall(int host, params string[] rules)
    {
        foreach (string rule in rules)
        {
            Require($"ip netns exec {Name(host)} nft add rule ip wall {rule}");
        }
    }

    private static void Require(string line) => Assert.Null(Execute(line));

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
