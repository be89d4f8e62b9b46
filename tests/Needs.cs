using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Distributed.Tests;

/// <summary>What a test needs of the machine that not every machine has.</summary>
internal enum Need
{
    /// <summary>Linux: /proc and /dev/full.</summary>
    Linux,

    /// <summary>File modes and folders as Unix has them.</summary>
    Unix,

    /// <summary>TLS 1.3, which macOS has no API for.</summary>
    Tls13,

    /// <summary>An IPv4 address that is not loopback's.</summary>
    OwnAddress,

    /// <summary>Network namespaces with nftables, as root has them outside of most containers.</summary>
    Namespaces,

    /// <summary>The right to mount a file system.</summary>
    Mount,

    /// <summary>kubectl, with kustomize.</summary>
    Kubectl,

    /// <summary>systemd-analyze.</summary>
    SystemdAnalyze,

    /// <summary>MessagePack for Python.</summary>
    PythonMessagePack,

    /// <summary>PyTorch for Python.</summary>
    PyTorch,
}

/// <summary>A test that is skipped, and counted as skipped, where something is missing.</summary>
/// <remarks>A test that returns early would count as passed, and nobody would know that nothing was checked.</remarks>
internal sealed class FactWithAttribute : FactAttribute
{
    /// <summary>Looks whether it is there.</summary>
    public FactWithAttribute(Need need)
    {
        Need = need;
        Skip = Needs.WhyNot(need);
    }

    /// <summary>What is needed.</summary>
    public Need Need { get; }
}

/// <summary>Looks for what tests need, once a process each.</summary>
internal static class Needs
{
    private static readonly Dictionary<Need, Lazy<string?>> s_found = new()
    {
        [Need.Linux] = new(() => OperatingSystem.IsLinux() ? null : "this is not Linux"),
        [Need.Unix] = new(() => OperatingSystem.IsWindows() ? "Windows has no file modes" : null),
        [Need.Tls13] = new(() => OperatingSystem.IsMacOS() ? "macOS has TLS 1.2 only" : null),
        [Need.OwnAddress] = new(() => OwnAddress() is null ? "this machine has no address but loopback's" : null),
        [Need.Namespaces] = new(FindNamespaces),
        [Need.Mount] = new(FindMount),
        [Need.Kubectl] = new(() => Fault("kubectl", "version", "--client")),
        [Need.SystemdAnalyze] = new(() => Fault("systemd-analyze", "--version")),
        [Need.PythonMessagePack] = new(() => Fault("/usr/bin/python3", "-c", "import msgpack")),
        [Need.PyTorch] = new(() =>
            Fault("python3", "-c", "import torch") is null ? null : Fault("/usr/bin/python3", "-c", "import torch")),
    };

    /// <summary>Why something cannot be had; null if it can.</summary>
    public static string? WhyNot(Need need) => s_found[need].Value is { } why ? $"{need}: {why}" : null;

    /// <summary>This machine's first IPv4 address that is not loopback's; null if there is none.</summary>
    public static IPAddress? OwnAddress() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(card => card.OperationalStatus == OperationalStatus.Up)
        .SelectMany(card => card.GetIPProperties().UnicastAddresses)
        .Select(unicast => unicast.Address)
        .FirstOrDefault(address =>
            address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address));

    private static string? FindNamespaces()
    {
        string name = $"d{Environment.ProcessId}-need";
        string? fault = Fault("ip", "netns", "add", name);
        if (fault is not null)
        {
            return fault;
        }

        fault = Fault("ip", "-n", name, "link", "add", "switch", "type", "bridge")
            ?? Fault("ip", "netns", "exec", name, "nft", "add", "table", "ip", "wall");
        return Fault("ip", "netns", "del", name) ?? fault;
    }

    private static string? FindMount()
    {
        string folder = Directory.CreateTempSubdirectory("distributed-need-").FullName;
        try
        {
            return Fault("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder) ?? Fault("umount", folder);
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    /// <summary>Runs a program: null if it ends well, else what it or the system says.</summary>
    private static string? Fault(string program, params string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process process = Process.Start(start)!;
            process.OutputDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? null
                : $"{program} {string.Join(' ', arguments)} fails: {error.Trim().Split('\n')[^1]}";
        }
        catch (Win32Exception)
        {
            return $"there is no {program}";
        }
    }
}
