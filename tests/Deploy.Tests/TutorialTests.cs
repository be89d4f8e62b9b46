using Distributed.Deploy.Tests.Harness;
using Distributed.Framework.Data.Png;
using Xunit.Abstractions;

namespace Distributed.Deploy.Tests;

/// <summary>
/// Goal: who types the tutorial's lines has a denoiser at the end. Method: type them, on four network namespaces with
/// its addresses; only scp is replaced. The lines that publish have been typed for all tests, in the same clone.
/// </summary>
[Collection(PublishedGroup.Name)]
public sealed class TutorialTests : IDisposable
{
    private const int Pairs = 20;
    private const int Side = 72;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private static readonly Dictionary<string, string> s_addresses = new()
    {
        ["first"] = "192.0.2.10",
        ["second"] = "192.0.2.11",
        ["third"] = "192.0.2.12",
        ["fourth"] = "192.0.2.13",
    };

    private readonly PublishedPrograms _published;
    private readonly ITestOutputHelper _output;
    private readonly TestFolder _folder = new();
    private readonly Dictionary<string, Terminal> _terminals = [];
    private readonly string _prefix = $"t{Environment.ProcessId}";

    public TutorialTests(PublishedPrograms published, ITestOutputHelper output) =>
        (_published, _output) = (published, output);

    public void Dispose()
    {
        foreach (Terminal terminal in _terminals.Values)
        {
            terminal.Dispose();
        }

        Execute(s_addresses.Keys.Append("switch").Select(name => $"ip netns del {_prefix}-{name} || true"));
        _folder.Dispose();
    }

    [FactWith(Need.Namespaces)]
    public async Task EveryLine_IsTyped_AndEndsInADenoiser()
    {
        Assert.Null(MakeHosts());
        WritePairs(Path.Combine(_published.Clone, "pairs"));
        _folder.WriteScript("bin/scp", $$"""
            #!/usr/bin/env bash
            # Copies to the folder that stands for the machine of the last argument, HOST:
            target={{_folder.Folder}}/$(basename "${@: -1}" :)
            mkdir -p "$target"
            cp "${@:1:$#-1}" "$target/"
            """);
        foreach (TutorialBlock block in Tutorial.Blocks)
        {
            string text = string.Join('\n', block.Text.Split('\n')
                .Where(line => !line.StartsWith("dotnet publish", StringComparison.Ordinal)));
            Task typed = Open(block.Terminal).TypeAsync(text);
            if (!block.GoesOn)
            {
                await EndsAsync(typed);
            }
        }

        foreach (Terminal terminal in _terminals.Values)
        {
            await EndsAsync(terminal.EndAsync());
        }

        _output.WriteLine(_terminals["first"].Said);
        Assert.Contains("All is well", _terminals["first"].Said, StringComparison.Ordinal);
        Assert.Contains("joined, 3 workers", _terminals["first"].Said, StringComparison.Ordinal);
        Assert.All(s_addresses.Keys.Skip(1), worker =>
        {
            Assert.Contains("as a member of the cluster", _terminals[worker].Said, StringComparison.Ordinal);
            Assert.Contains("Done: ", _terminals[worker].Said, StringComparison.Ordinal);
        });
        Assert.Contains("\n  coordinator denoise --run", _terminals["first"].Said, StringComparison.Ordinal);
        Assert.All(
            ["denoiser.safetensors", "once-more.png"],
            name => Assert.True(File.Exists(Path.Combine(_published.Clone, name)), name));
    }

    private async Task EndsAsync(Task typed)
    {
        try
        {
            await typed.WaitAsync(s_patience);
        }
        catch (TimeoutException)
        {
            Assert.Fail(string.Join('\n', _terminals.Select(open => $"--- {open.Key}\n{open.Value.Said}")));
        }
    }

    /// <summary>Grey discs on a slope, twice with other noise: the same scenes in a/ and b/.</summary>
    private static void WritePairs(string folder)
    {
#pragma warning disable CA5394 // Pictures need no secrets.
        Random random = new(1);
        for (int i = 0; i < Pairs; i++)
        {
            (double x, double y, double radius) = (random.Next(Side), random.Next(Side), 10 + random.Next(20));
            foreach (string half in new[] { "a", "b" })
            {
                byte[] pixels = new byte[Side * Side * 3];
                for (int at = 0; at < pixels.Length; at++)
                {
                    int column = at / 3 % Side;
                    int row = at / 3 / Side;
                    double value = (double.Hypot(column - x, row - y) < radius ? 180 : 60) + (row / 2.0)
                        + (25 * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2);
                    pixels[at] = (byte)Math.Clamp(value, 0, 255);
                }

                Directory.CreateDirectory(Path.Combine(folder, half));
                using FileStream file = File.Create(Path.Combine(folder, half, $"scene-{i:00}.png"));
                PngEncoder.Encode(new PngImage(Side, Side, 3, pixels), file);
            }
        }
#pragma warning restore CA5394
    }

    private Terminal Open(string name)
    {
        if (_terminals.TryGetValue(name, out Terminal? open))
        {
            return open;
        }

        string host = name.Split('-')[0];
        string home = host == "first" ? _published.Clone : _folder[s_addresses[host]];
        Directory.CreateDirectory(home);
        Dictionary<string, string> environment = new()
        {
            ["HOME"] = home,
            ["PATH"] = $"{_folder["bin"]}:{Environment.GetEnvironmentVariable("PATH")}",
            ["XDG_CACHE_HOME"] = "",
        };
        return _terminals[name] = new Terminal(
            home, environment, "ip", "netns", "exec", $"{_prefix}-{host}", "bash", "-e");
    }

    /// <summary>Makes the machines; what went wrong, or null.</summary>
    private string? MakeHosts()
    {
        string net = $"{_prefix}-switch";
        return Execute(
        [
            $"ip netns add {net}",
            $"ip -n {net} link add switch type bridge",
            $"ip -n {net} link set switch up",
            .. s_addresses.SelectMany(host => (string[])
            [
                $"ip netns add {_prefix}-{host.Key}",
                $"ip -n {_prefix}-{host.Key} link add cable type veth peer name {host.Key} netns {net}",
                $"ip -n {_prefix}-{host.Key} addr add {host.Value}/24 dev cable",
                $"ip -n {_prefix}-{host.Key} link set lo up",
                $"ip -n {_prefix}-{host.Key} link set cable up",
                $"ip -n {net} link set {host.Key} master switch",
                $"ip -n {net} link set {host.Key} up",
            ]),
        ]);
    }

    private string? Execute(IEnumerable<string> lines)
    {
        ProgramResult result = Shell.BashAsync(_folder.Folder, $"set -e\n{string.Join('\n', lines)}").Result;
        return result.ExitCode == 0 ? null : result.Error;
    }
}
