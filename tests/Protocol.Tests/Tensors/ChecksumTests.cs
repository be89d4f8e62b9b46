using System.Text;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Tests.Tensors;

public sealed class ChecksumTests
{
    [Fact]
    public void KnownBytes_HaveTheKnownChecksum() =>
        Assert.Equal(0xE3069283, Checksum.Append(0, Encoding.ASCII.GetBytes("123456789")));

    /// <summary>Around the length of four lanes as well, and in two parts.</summary>
    [Theory]
    [InlineData(0, 80)]
    [InlineData(16_370, 16_410)]
    [InlineData(32_760, 32_775)]
    [InlineData(70_000, 70_001)]
    public void AnyLength_AgreesWithBitByBit(int from, int to)
    {
        byte[] bytes = new byte[to];
        for (int i = 0; i < to; i++)
        {
            bytes[i] = (byte)((i * 7) ^ (i >> 8));
        }

        for (int length = from; length < to; length++)
        {
            ReadOnlySpan<byte> some = bytes.AsSpan(to - length);
            Assert.Equal(Naive(some), Checksum.Append(0, some));
            int cut = length / 3;
            Assert.Equal(Naive(some), Checksum.Append(Checksum.Append(0, some[..cut]), some[cut..]));
        }
    }

    public static uint Naive(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }
}
