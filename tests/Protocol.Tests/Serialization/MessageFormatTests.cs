using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Serialization;

namespace Distributed.Protocol.Tests.Serialization;

public sealed class MessageFormatTests
{
    private const string Python = "/usr/bin/python3";

    [Fact]
    public void EveryMessageType_HasASample_AndATagOfItsOwn()
    {
        Type[] types = [.. typeof(WorkerMessage).Assembly.GetTypes().Where(type => !type.IsAbstract
            && (type.IsSubclassOf(typeof(WorkerMessage))
                || type.IsSubclassOf(typeof(CoordinatorMessage))
                || type.IsSubclassOf(typeof(RunMessage))))];
        Assert.Equal(19, types.Length);
        Assert.Empty(types.Except(FormatSamples.All.Select(sample => sample.Message.GetType())));
        Assert.Equal(19, FormatSamples.All.Select(sample => sample.Values[0]).Distinct().Count());
    }

    [Fact]
    public void EveryMessage_ComesBackBitForBit()
    {
        foreach ((object message, _) in FormatSamples.All)
        {
            FormatSamples.AssertSame(message, FormatSamples.Read(FormatSamples.Write(message), message));
        }
    }

    /// <summary>Goal: messages are MessagePack, not just something like it.</summary>
    [Fact]
    public void EveryMessage_IsWhatAnotherWriterMakesOfItsValues()
    {
        foreach ((object message, object[] values) in FormatSamples.All)
        {
            Assert.Equal(
                Convert.ToHexString(OtherWriter.Write(values)), Convert.ToHexString(FormatSamples.Write(message)));
        }
    }

    /// <summary>Goal: the format never changes unnoticed. UPDATE_GOLDEN=1 rewrites the file, for review.</summary>
    [Fact]
    public void EveryMessage_HasItsGoldenBytes()
    {
        string actual = string.Concat(FormatSamples.All.Select(sample =>
            $"{sample.Message.GetType().FullName!.Split('.')[^1]} "
            + $"{Convert.ToHexStringLower(FormatSamples.Write(sample.Message))}\n"));
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(Golden(), actual);
        }

        Assert.Equal(File.ReadAllText(Golden()), actual);
    }

    [FactWith(Need.PythonMessagePack)]
    public void EveryMessage_IsReadByMsgpackOfPython()
    {
        const string Script = """
            import sys, msgpack
            for line in sys.stdin:
                message = bytes.fromhex(line.strip())
                value = msgpack.unpackb(message, strict_map_key=True)
                print(repr(value), msgpack.packb(value) == message)
            """;
        string input = string.Concat(FormatSamples.All.Select(
            sample => Convert.ToHexString(FormatSamples.Write(sample.Message)) + "\n"));
        (int exitCode, string text) = Run(Script, input);
        Assert.Equal(0, exitCode);
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(FormatSamples.All.Count, lines.Length);
        Assert.All(lines, line => Assert.EndsWith(" True", line, StringComparison.Ordinal));
        Assert.Equal("[4, 3, 70000, 2, 200, 4, -0.15625, 2500000] True", lines[3]);
        Assert.Equal("[32, 3, 12, '{\"batch\":50}', 10000000, False, b'', []] True", lines[7]);
    }

    [Fact]
    public void EveryPrefix_AndEveryLongerOne_IsRefused()
    {
        foreach ((object message, _) in FormatSamples.All)
        {
            byte[] bytes = FormatSamples.Write(message);
            for (int length = 0; length < bytes.Length; length++)
            {
                Assert.Throws<ProtocolException>(() => FormatSamples.Read(bytes.AsMemory(0, length), message));
            }

            Assert.Throws<ProtocolException>(() => FormatSamples.Read((byte[])[.. bytes, 0], message));
        }
    }

    [Fact]
    public void EveryFlippedBit_IsRefused_OrIsAnotherMessageInItsOnlyForm()
    {
        foreach ((object message, _) in FormatSamples.All)
        {
            byte[] bytes = FormatSamples.Write(message);
            for (int bit = 0; bit < bytes.Length * 8; bit++)
            {
                byte[] damaged = [.. bytes];
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                Check(damaged, message, $"{message}, bit {bit}");
            }
        }
    }

    [Fact]
    public void EveryMutation_IsRefused_OrIsAnotherMessageInItsOnlyForm()
    {
        int count = Environment.GetEnvironmentVariable("DISTRIBUTED_TEST_FULL") == "1" ? 20_000 : 2_000;
        for (int sample = 0; sample < FormatSamples.All.Count; sample++)
        {
            object message = FormatSamples.All[sample].Message;
            byte[] bytes = FormatSamples.Write(message);
            for (int seed = 0; seed < count; seed++)
            {
                Random random = new((sample * 1_000_000) + seed);
                Check(Mutate(bytes, random), message, $"{message}, seed {seed}");
            }
        }
    }

    [Theory]
    [InlineData("92cc0203", "only form")] // Tag 2 in two bytes.
    [InlineData("dc00020203", "only form")] // An array of 2 in three bytes.
    [InlineData("9202cf0000000000000003", "only form")]
    [InlineData("9202d003", "only form")] // As a number that may be negative.
    [InlineData("92020300", "1 bytes follow")]
    [InlineData("927f03", "no message with tag 127 and 1 fields")]
    [InlineData("93020303", "no message with tag 2 and 2 fields")]
    [InlineData("90", "without a tag")]
    [InlineData("9202c0", "No message")] // Nil.
    [InlineData("c0", "No message")]
    [InlineData("9301c0c0", "no message with tag 1 and 2 fields")]
    [InlineData("9601c0c0c0c0c0", "Not a text")]
    [InlineData("ddffffffff02", "No message")]
    [InlineData("9601dbffffffff", "No message")]
    [InlineData("9601a2c328a131a1310101", "No message")] // Not UTF-8.
    [InlineData("9202d0ff", "No message")] // Negative.
    [InlineData("9202ceffffffff", "at most 2147483647")]
    [InlineData("930303c0", "No message")]
    [InlineData("980403000000 01ca00000000 00", "only form")] // A number of 32 bits.
    public void MalformedMessage_IsRefusedWithTheReason(string hex, string reason)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        ProtocolException fault = Assert.Throws<ProtocolException>(() => MessageFormat.ReadWorkerMessage(bytes));
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ValuesOutOfTheirRange_AreRefused()
    {
        object[] welcome = FormatSamples.All[8].Values;
        AssertRefused([.. welcome[..3], "{}", .. welcome[4..]]); // A plan that is here and follows.
        AssertRefused([.. welcome[..4], 0, .. welcome[5..]]); // No heartbeat interval.
        AssertRefused([.. welcome[..4], 36_000_000_001, .. welcome[5..]]); // Above an hour.
        AssertRefused([.. welcome[..6], new byte[31], welcome[7]]);
        AssertRefused([.. welcome[..7], Enumerable.Repeat<object>("a:1", 17).ToArray()]);
        AssertRefused([.. welcome[..7], new object[] { new string('a', 265) }]);
        AssertRefused([33, 0, "no reason"]);
        AssertRefused([33, 7, "no reason"]);
        AssertRefused([33, 1, new string('r', 4097)]);
        AssertRefused([32, 3, 200, new string('p', 65_537), 1, false, Array.Empty<byte>(), Array.Empty<object>()]);
        AssertRefused([41, new string('p', (8 << 20) + 1)]);

        static void AssertRefused(object[] values) => Assert.Throws<ProtocolException>(
            () => MessageFormat.ReadCoordinatorMessage(OtherWriter.Write(values)));
    }

    [Fact]
    public void LongestPlans_Arrive_AndLongerOnesAreRefusedWhenWritten()
    {
        CoordinatorMessage.Welcome welcome = new(
            new Term(1), new SessionId(1), new string('p', 65_536), TimeSpan.FromSeconds(1));
        CoordinatorMessage.Plan plan = new(new string('p', 3 << 20));
        FormatSamples.AssertSame(welcome, FormatSamples.Read(FormatSamples.Write(welcome), welcome));
        FormatSamples.AssertSame(plan, FormatSamples.Read(FormatSamples.Write(plan), plan));
        ArrayBufferWriter<byte> target = new();
        MessageTooLargeException fault = Assert.Throws<MessageTooLargeException>(
            () => MessageFormat.Write(target, welcome with { Plan = new string('p', 65_537) }));
        Assert.Equal("The plan in Welcome has 65537 bytes; at most 65536 are allowed.", fault.Message);
        Assert.Throws<MessageTooLargeException>(
            () => MessageFormat.Write(target, new CoordinatorMessage.Plan(plan.Json + "p")));
        Assert.Equal(0, target.WrittenCount);
    }

    [Fact]
    public void LongReason_IsCut_AndArrives()
    {
        CoordinatorMessage.Finish finish = new(new string('\u20AC', 5000));
        string reason = ((CoordinatorMessage.Finish)FormatSamples.Read(FormatSamples.Write(finish), finish)).Reason;
        Assert.StartsWith(reason, finish.Reason, StringComparison.Ordinal);
        Assert.InRange(reason.Length, 1000, 4096);
    }

    /// <summary>Goal: what is said in every step costs no more than the message itself.</summary>
    [Fact]
    public void MessagesOfAStep_AllocateOnlyThemselves()
    {
        ArrayBufferWriter<byte> target = new(256);
        foreach (object message in new object[]
        {
            FormatSamples.All[3].Message,
            FormatSamples.All[12].Message,
            FormatSamples.All[2].Message,
        })
        {
            byte[] bytes = FormatSamples.Write(message);
            long least = long.MaxValue; // Of some rounds: a collection charges a thread for what it did not take.
            for (int round = 0; round < 20; round++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < 100; i++)
                {
                    target.ResetWrittenCount();
                    if (message is WorkerMessage worker)
                    {
                        MessageFormat.Write(target, worker);
                    }
                    else
                    {
                        MessageFormat.Write(target, (CoordinatorMessage)message);
                    }

                    _ = FormatSamples.Read(bytes, message);
                }

                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.InRange(least / 100, 1, 96);
        }
    }

    private static void Check(byte[] bytes, object like, string what)
    {
        object back;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            back = FormatSamples.Read(bytes, like);
        }
        catch (ProtocolException)
        {
            return;
        }
        catch (Exception exception)
        {
            Assert.Fail($"{what}: {exception}");
            throw;
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        }

        Assert.True(bytes.AsSpan().SequenceEqual(FormatSamples.Write(back)), what);
    }

    /// <summary>One to four changes: another byte, more, fewer, a cut, or a length of 4 GiB.</summary>
    private static byte[] Mutate(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (int change = random.Next(1, 5); change > 0; change--)
        {
            int at = random.Next(bytes.Count + 1);
            switch (random.Next(6))
            {
                case 0 when at < bytes.Count: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.Insert(at, (byte)random.Next(256)); break;
                case 2 when at < bytes.Count: bytes.RemoveAt(at); break;
                case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                case 4:
                    byte code = (byte)(0xC0 + random.Next(32)); // Nil, lengths, numbers.
                    bytes.InsertRange(at, [code, 0xFF, 0xFF, 0xFF, 0xFF]);
                    break;
                default:
                    object other = FormatSamples.All[random.Next(FormatSamples.All.Count)].Message;
                    bytes.InsertRange(at, FormatSamples.Write(other)[..1]);
                    break;
            }
        }

        return [.. bytes];
    }

    private static (int ExitCode, string Output) Run(string script, string input)
    {
        ProcessStartInfo start = new(Python)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script);
        using Process process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text);
    }

    private static string Golden([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "golden-messages.txt");
}
