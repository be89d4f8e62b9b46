using System.Diagnostics;
using System.Globalization;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Wire;
using Xunit.Abstractions;

namespace Distributed.Protocol.Tests.Wire;

public sealed class OtherImplementationTests(ITestOutputHelper output)
{
    private const string Python = "/usr/bin/python3";

    /// <summary>
    /// Goal: headers are MessagePack, not just something like it. Method: Debian's python3-msgpack decodes every golden
    /// payload, prints it, and packs it again to the same bytes.
    /// </summary>
    [Fact]
    public void EveryPayload_IsReadByMsgpackOfPython()
    {
        const string Script = """
            import sys, msgpack
            for line in sys.stdin:
                payload = bytes.fromhex(line.strip())
                value = msgpack.unpackb(payload, strict_map_key=True)
                print(repr(value), msgpack.packb(value) == payload)
            """;
        if (!File.Exists(Python) || Run("import msgpack", "").ExitCode != 0)
        {
            output.WriteLine("SKIPPED: python3-msgpack is not installed (apt install python3-msgpack)");
            return;
        }

        string input = string.Concat(Samples.All.Select(
            message => Convert.ToHexString(Samples.Frame(message)[16..]) + "\n"));
        (int exitCode, string text) = Run(Script, input);
        Assert.Equal(0, exitCode);
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Samples.All.Count, lines.Length);
        Assert.All(lines, line => Assert.EndsWith(" True", line, StringComparison.Ordinal));
        Assert.Equal("[1, 'lab-7', '0.1.0', '00ff00ff00ff00ff', 8, 9223372036854775807] True", lines[0]);
        Assert.Equal("[1000, [4, 3, 70000, 2, 200, 4, -0.15625, 2500000]] True", lines[3]);
        Assert.Equal("[32, 3, 12, '{\"batch\":50}', 10000000] True", lines[6]);
        for (int i = 0; i < lines.Length; i++)
        {
            int tag = MessageTag.All[Samples.All[i].GetType()];
            string start = Samples.All[i] is WorkerMessage.GradientSum or CoordinatorMessage.Weights
                or CoordinatorMessage.DataBlock ? "[1000, [" : "[";
            Assert.StartsWith(
                string.Create(CultureInfo.InvariantCulture, $"{start}{tag}, "), lines[i], StringComparison.Ordinal);
        }
    }

    private static (int ExitCode, string Output) Run(string script, string input)
    {
        ProcessStartInfo start = new(Python) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script);
        using Process process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text);
    }
}
