using System.Reflection;
using System.Runtime.CompilerServices;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Wire;

namespace Distributed.Protocol.Tests.Wire;

public sealed class MessageCodecTests
{
    [Fact]
    public void EveryMessageType_HasASample_AndATagOfItsOwn()
    {
        Type[] types = [.. new[] { typeof(WorkerMessage), typeof(CoordinatorMessage) }
            .SelectMany(type => type.GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic))
            .Where(type => !type.IsAbstract)
            .Except([typeof(CoordinatorMessage.Coordinators), typeof(CoordinatorMessage.Plan)])]; // Not on the link.
        Assert.Equal(14, types.Length);
        Assert.Equal(
            types.OrderBy(type => type.FullName, StringComparer.Ordinal),
            MessageTag.All.Keys.OrderBy(type => type.FullName, StringComparer.Ordinal));
        Assert.Equal(types.Length, MessageTag.All.Values.Distinct().Count());
        Assert.Equal(types.Length, Samples.All.Select(sample => sample.GetType()).Distinct().Count());
    }

    [Fact]
    public void EveryMessage_ComesBackEqual()
    {
        foreach (object message in Samples.All)
        {
            (object back, int floats, uint stream) = Samples.Read(Samples.Frame(message), message is WorkerMessage);
            Assert.Equal(message, back);
            Assert.Equal(MessageTag.HasBulk(message) ? (1000, 7u) : (0, 0u), (floats, stream));
        }
    }

    /// <summary>Goal: the wire never changes unnoticed. UPDATE_GOLDEN=1 rewrites the file, for review.</summary>
    [Fact]
    public void EveryMessage_HasItsGoldenFrame()
    {
        string path = Golden();
        string actual = string.Concat(Samples.All.Select(message =>
            $"{Name(message)} {Convert.ToHexStringLower(Samples.Frame(message))}\n"));
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, actual);
        }

        Assert.Equal(File.ReadAllText(path), actual);
    }

    [Fact]
    public void EveryPrefix_IsRefused()
    {
        foreach (object message in Samples.All)
        {
            byte[] frame = Samples.Frame(message);
            for (int length = 0; length < frame.Length; length++)
            {
                Assert.Throws<ProtocolException>(() => Samples.Read(frame.AsSpan(0, length), message is WorkerMessage));
            }
        }
    }

    [Fact]
    public void EveryFlippedBit_IsRefused()
    {
        foreach (object message in Samples.All)
        {
            byte[] frame = Samples.Frame(message);
            for (int bit = 0; bit < frame.Length * 8; bit++)
            {
                byte[] damaged = [.. frame];
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Throws<ProtocolException>(() => Samples.Read(damaged, message is WorkerMessage));
            }
        }
    }

    /// <summary>
    /// Goal: the codec is safe without the checksum too, and every message has one encoding. Method: flip every bit and
    /// cut at every byte of every payload; what is accepted must write the same bytes again.
    /// </summary>
    [Fact]
    public void DamagedPayload_IsRefused_OrIsAnotherMessageInItsOnlyForm()
    {
        foreach (object message in Samples.All)
        {
            byte[] frame = Samples.Frame(message);
            byte[] payload = frame[16..];
            FrameKind kind = (FrameKind)frame[2];
            for (int bit = 0; bit < payload.Length * 8; bit++)
            {
                byte[] damaged = [.. payload];
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                Check(kind, damaged, message is WorkerMessage);
            }

            for (int length = 0; length < payload.Length; length++)
            {
                byte[] cut = payload[..length];
                Assert.Throws<ProtocolException>(() => Samples.ReadPayload(kind, cut, message is WorkerMessage));
            }

            byte[] longer = [.. payload, 0];
            Assert.Throws<ProtocolException>(() => Samples.ReadPayload(kind, longer, message is WorkerMessage));
        }
    }

    [Fact]
    public void RandomBytes_AreRefused_OrAMessage()
    {
        Random random = new(1);
        for (int i = 0; i < 200_000; i++)
        {
            byte[] bytes = new byte[random.Next(1, 40)];
            random.NextBytes(bytes);
            bytes[0] = (byte)(0x90 | random.Next(8)); // Else nearly all end at the first byte.
            bytes[Math.Min(1, bytes.Length - 1)] = (byte)random.Next(48);
            Check(FrameKind.Control, bytes, i % 2 == 0);
        }
    }

    [Theory]
    [InlineData("92cc0203", "not in its shortest form")] // Tag 2 in two bytes.
    [InlineData("dc000202 03", "not in its shortest form")] // An array of 2 in three bytes.
    [InlineData("9202cd0003", "not in its shortest form")]
    [InlineData("9202cf0000000000000003", "not in its shortest form")]
    [InlineData("920203 00", "1 bytes follow")]
    [InlineData("92 7f 03", "no message with tag 127")]
    [InlineData("93 02 03 03", "no message with tag 2 and 2 fields")]
    [InlineData("90", "without a tag")]
    [InlineData("dd ffffffff 02", "An array of 4294967295")]
    [InlineData("96 01 db ffffffff", "A text of 4294967295 bytes")]
    [InlineData("96 01 da ffff", "A text of 65535 bytes")]
    [InlineData("96 01 a2 c328 a1 31 a1 31 01 01", "not UTF-8")]
    [InlineData("92 02 d0 ff", "does not begin a whole number")] // Negative.
    [InlineData("92 02 ce ffffffff", "at most 2147483647")]
    [InlineData("93 03 03 c0", "does not begin a truth value")]
    [InlineData("98 04 03 00 00 00 01 ca 00000000", "does not begin a number of 64 bits")]
    public void MalformedPayload_IsRefusedWithTheReason(string hex, string reason)
    {
        byte[] payload = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        ProtocolException fault = Assert.Throws<ProtocolException>(
            () => Samples.ReadPayload(FrameKind.Control, payload, isWorkers: true));
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HugeLength_IsRefusedBeforeAnythingIsAllocated()
    {
        byte[] frame = Samples.Frame(Samples.All[0]);
        frame[8] = frame[9] = frame[10] = frame[11] = 0xFF;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ProtocolException>(() => Frame.ReadHeader(frame));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
    }

    [Fact]
    public void BulkWithoutFloats_AndFloatsWithoutBulk_AreRefused()
    {
        byte[] ready = Convert.FromHexString("92019202" + "03"); // One float, of a Ready.
        Assert.Throws<ProtocolException>(() => Samples.ReadPayload(FrameKind.BulkBegin, ready, isWorkers: true));
        byte[] none = Convert.FromHexString("9200" + "9202" + "03");
        Assert.Throws<ProtocolException>(() => Samples.ReadPayload(FrameKind.BulkBegin, none, isWorkers: true));
        byte[] sum = Samples.Frame(Samples.All[3])[20..]; // Its message, without the number of floats.
        Assert.Throws<ProtocolException>(() => Samples.ReadPayload(FrameKind.Control, sum, isWorkers: true));
    }

    [Fact]
    public void LongReason_IsCut_AndArrives()
    {
        CoordinatorMessage.Finish finish = new(new string('\u20AC', 5000));
        byte[] frame = Samples.Frame(finish);
        string reason = ((CoordinatorMessage.Finish)Samples.Read(frame, isWorkers: false).Message).Reason;
        Assert.StartsWith(reason, finish.Reason, StringComparison.Ordinal);
        Assert.InRange(reason.Length, 1000, 4096);
    }

    private static void Check(FrameKind kind, byte[] payload, bool isWorkers)
    {
        object back;
        try
        {
            back = Samples.ReadPayload(kind, payload, isWorkers).Message;
        }
        catch (ProtocolException)
        {
            return;
        }

        byte[] again = Samples.Frame(back)[16..];
        int message = kind == FrameKind.Control ? 0 : LengthOfCount(payload);
        int messageAgain = kind == FrameKind.Control ? 0 : LengthOfCount(again);
        Assert.Equal(Convert.ToHexString(payload[message..]), Convert.ToHexString(again[messageAgain..]));
    }

    /// <summary>Bytes before the message in a bulk's begin: the array and the number of floats.</summary>
    private static int LengthOfCount(byte[] payload) =>
        payload[1] switch { <= 0x7F => 2, 0xCC => 3, 0xCD => 4, _ => 6 };

    private static string Name(object message) => $"{message.GetType().DeclaringType!.Name}.{message.GetType().Name}";

    private static string Golden([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "golden-frames.txt");
}
