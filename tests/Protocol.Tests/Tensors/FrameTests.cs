using System.Buffers;
using System.Buffers.Binary;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Tests.Tensors;

/// <summary>Bytes that a worker sends, as the coordinator's end reads them.</summary>
public sealed class FrameTests
{
    private const string Ready = "d80101000000000003000000000000000000000012636ee3920203";
    private static readonly WorkerMessage.GradientSum s_sum =
        new(new Term(3), new Step(7), new TreeNode(1, 2), 2, -0.5, TimeSpan.FromTicks(5));

    [Fact]
    public void Message_HasTheseBytes()
    {
        byte[] written = Written(new WorkerMessage.Ready(new Term(3)));
        Assert.Equal(Ready, Convert.ToHexStringLower(written));
        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(written.AsSpan(20));
        Assert.Equal(ChecksumTests.Naive([.. written[..20], .. written[24..]]), checksum);
    }

    [Fact]
    public void Floats_FollowTheirMessage_WithTermAndStep()
    {
        byte[] written = Written(s_sum with { Payload = new Ledger().Filled(3, 1) });
        int length = BinaryPrimitives.ReadInt32LittleEndian(written.AsSpan(8));
        AssertHeader(written, kind: 2, stream: 1, length, term: 3, step: 7);
        Assert.Equal(3, BinaryPrimitives.ReadInt32LittleEndian(written.AsSpan(24)));
        byte[] chunk = written[(24 + length)..];
        AssertHeader(chunk, kind: 3, stream: 1, length: 12, term: 3, step: 7);
        Assert.Equal(1f, BinaryPrimitives.ReadSingleLittleEndian(chunk.AsSpan(24)));
        Assert.Equal(32f, BinaryPrimitives.ReadSingleLittleEndian(chunk.AsSpan(28)));
        Assert.Equal(36, chunk.Length);
    }

    /// <summary>
    /// Goal: no damage goes unseen. Method: every bit of a message and of a payload with its chunk is flipped in turn;
    /// what is heard is what was said before the damage, or nothing, and every buffer comes back.
    /// </summary>
    [Fact]
    public void AnyFlippedBit_EndsTheChannel()
    {
        byte[] sum = Written(s_sum with { Payload = new Ledger().Filled(9, 1) });
        byte[] bytes = [.. Convert.FromHexString(Ready), .. sum];
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] damaged = [.. bytes];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            (List<WorkerMessage> heard, string why, Ledger ledger) = Read(damaged, floats: 9);
            Assert.NotEmpty(why);
            Assert.Equal(0, ledger.Outstanding);
            Assert.Equal(bit / 8 < 27 ? [] : [new WorkerMessage.Ready(new Term(3))], heard);
        }
    }

    /// <summary>Every beginning of what is right ends the channel in peace, and nothing half is heard.</summary>
    [Fact]
    public void AnyCut_EndsTheChannel()
    {
        byte[] bytes = Written(s_sum with { Payload = new Ledger().Filled(9, 1) });
        for (int length = 0; length < bytes.Length; length++)
        {
            (List<WorkerMessage> heard, string why, Ledger ledger) = Read(bytes[..length], floats: 9);
            Assert.Contains("the connection ended", why, StringComparison.Ordinal);
            Assert.Empty(heard);
            Assert.Equal(0, ledger.Outstanding);
        }
    }

    [Theory]
    [InlineData("474554202f20485454502f312e310d0a0d0a0d0a0d0a0d0a0d0a", "0x47 does not begin a frame")]
    [InlineData("d802010000000000030000000000000000000000ebee62f4920203", "of version 2")]
    [InlineData("d801050000000000030000000000000000000000ebee62f4920203", "no frame of kind 5")]
    [InlineData("d8010100000000000000000000000000000000000000000000", "0 bytes")]
    [InlineData("d80101000000000001000100000000000000000000000000ff", "65537 bytes")]
    [InlineData("d801010000000000ffffffff000000000000000000000000ff", "4294967295 bytes")]
    [InlineData("d801030001000000ffffffff000000000000000000000000ff", "4294967295 bytes")]
    [InlineData("d80103000100000001001000000000000000000000000000ff", "1048577 bytes")]
    [InlineData("d8010300010000000400000000000000000000000000000000000000", "not expected")]
    [InlineData("d801010001000000030000000000000000000000ebee62f4920203", "kind Message on stream 1")]
    [InlineData("d801010000000000030000000000000001000000ebee62f4920203", "of t0, s1")]
    [InlineData("d801010000000000030000000000000000000000ebee62f5920203", "checksum")]
    public void Garbage_IsRefused_AndCounted(string hex, string reason)
    {
        using RefusalCounts counts = new();
        (List<WorkerMessage> heard, string why, _) = Read(Convert.FromHexString(hex), floats: 9);
        Assert.Contains(reason, why, StringComparison.Ordinal);
        Assert.Empty(heard);
        Assert.True(counts["channel"] > 0);
    }

    /// <summary>Frames that are whole, but say what may not be said.</summary>
    [Fact]
    public void WrongTurns_AreRefused()
    {
        byte[] message = Body(new WorkerMessage.Ready(new Term(3)));
        byte[] sum = [9, 0, 0, 0, .. Body(s_sum)];
        byte[] huge = [0xFF, 0xFF, 0xFF, 0xFF, .. Body(s_sum)];
        (byte[] Bytes, string Reason)[] cases =
        [
            (Frame(1, 0, 0, 0, Body(s_sum)), "GradientSum in a frame of kind Message"),
            (Frame(2, 1, 0, 0, [9, 0, 0, 0, .. message]), "Ready in a frame of kind Payload"),
            (Frame(2, 1, 2, 7, sum), "GradientSum in a frame of kind Payload"),
            (Frame(2, 1, 3, 8, sum), "GradientSum in a frame of kind Payload"),
            (Frame(2, 2, 3, 7, sum), "Payload 2 of 9 floats begins, after 0"),
            (Frame(2, 1, 3, 7, huge), "4294967295 floats"),
            (Frame(2, 1, 3, 7, [0, 0, 0, 0, .. Body(s_sum)]), "0 floats"),
            (Frame(2, 1, 3, 7, [8, 0, 0, 0, .. Body(s_sum)]), "8 floats"),
            (Frame(2, 1, 3, 7, [8, 0, 0, 0]), "without a message"),
            ([.. Frame(2, 1, 3, 7, sum), .. Frame(2, 2, 3, 7, sum)], "Payload 2 of 9 floats begins, after 1"),
            ([.. Frame(2, 1, 3, 7, sum), .. Frame(3, 1, 3, 6, new byte[36])], "t3, s6, is not expected"),
            ([.. Frame(2, 1, 3, 7, sum), .. Frame(3, 1, 2, 7, new byte[36])], "t2, s7, is not expected"),
            ([.. Frame(2, 1, 3, 7, sum), .. Frame(3, 2, 3, 7, new byte[36])], "payload 2"),
            ([.. Frame(2, 1, 3, 7, sum), .. Frame(3, 1, 3, 7, new byte[32])], "A chunk of 32 bytes"),
            ([.. Frame(2, 1, 3, 7, sum), .. Frame(3, 1, 3, 7, new byte[40])], "A chunk of 40 bytes"),
            (Frame(1, 0, 0, 0, [.. message, 0]), "bytes follow"),
            (Frame(1, 0, 0, 0, [0, 1, 2]), "No message"),
        ];
        foreach ((byte[] bytes, string reason) in cases)
        {
            (List<WorkerMessage> heard, string why, Ledger ledger) = Read(bytes, floats: 9);
            Assert.Contains(reason, why, StringComparison.Ordinal);
            Assert.Empty(heard);
            Assert.Equal(0, ledger.Outstanding);
        }
    }

    private static void AssertHeader(byte[] bytes, byte kind, int stream, int length, int term, int step)
    {
        Assert.Equal([0xD8, 1, kind, 0], bytes[..4]);
        Assert.Equal(
            [stream, length, term, step],
            Enumerable.Range(1, 4).Select(i => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4 * i))));
    }

    private static byte[] Body(WorkerMessage message)
    {
        ArrayBufferWriter<byte> target = new();
        new WorkerFormat().Write(target, message);
        return target.WrittenSpan.ToArray();
    }

    private static byte[] Frame(byte kind, int stream, int term, int step, byte[] following)
    {
        byte[] header = new byte[24];
        (header[0], header[1], header[2]) = (0xD8, 1, kind);
        int[] fields = [stream, following.Length, term, step];
        for (int i = 0; i < 4; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4 * (i + 1)), fields[i]);
        }

        uint checksum = ChecksumTests.Naive([.. header[..20], .. following]);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(20), checksum);
        return [.. header, .. following];
    }

    /// <summary>What a worker's end writes, without its end frame.</summary>
    private static byte[] Written(WorkerMessage message)
    {
        (Stream near, Stream far) = ChannelPair.Connect();
        Handler<CoordinatorMessage> handler = new(new Ledger(), 0);
        using TensorChannel<WorkerMessage, CoordinatorMessage> channel =
            new(near, near, new WorkerFormat(), handler, new ChannelLimits(), handler.OnFault);
        channel.Send(message);
        channel.Close("x");
        channel.Start("test");
        List<byte> bytes = [];
        while (bytes.Count < 25 || bytes[^25] != 0xD8 || bytes[^23] != 4)
        {
            bytes.Add((byte)far.ReadByte());
        }

        far.Dispose();
        Assert.Equal("x", handler.AwaitClosed());
        Assert.Empty(handler.Faults);
        return [.. bytes[..^25]];
    }

    private static (List<WorkerMessage> Heard, string Why, Ledger Ledger) Read(byte[] bytes, int floats)
    {
        using Given stream = new(bytes);
        Ledger ledger = new();
        Handler<WorkerMessage> handler = new(ledger, floats);
        using TensorChannel<CoordinatorMessage, WorkerMessage> channel =
            new(stream, stream, new CoordinatorFormat(), handler, new ChannelLimits(), handler.OnFault);
        channel.Start("test");
        string why = handler.AwaitClosed();
        Assert.Empty(handler.Faults);
        List<WorkerMessage> heard = [.. handler.Messages];
        handler.ReleaseAll();
        return (heard, why, ledger);
    }

    /// <summary>Gives some bytes and then ends; forgets what is written.</summary>
    private sealed class Given(byte[] bytes) : MemoryStream(bytes)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
        }
    }
}
