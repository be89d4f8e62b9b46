using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Tensors;

public sealed unsafe class AlignedBufferTests
{
    [Fact]
    public void Buffer_AllLengths_IsAlignedZeroAndHasRoomBehind()
    {
        List<AlignedBuffer> kept = [];
        for (int length = 0; length <= 300; length++)
        {
            AlignedBuffer buffer = new(length);
            kept.Add(buffer);
            Assert.Equal(length, buffer.Length);
            Assert.Equal(length, buffer.Span.Length);
            Assert.Equal(length, buffer.Memory.Length);
            Assert.Equal(0, (nint)buffer.Pointer % 64);
            Assert.True(buffer.Span.IndexOfAnyExcept(0f) < 0);

            // Kernels write up to the next multiple of 16: that must be nobody else's memory.
            new Span<float>(buffer.Pointer, (length + 15) / 16 * 16).Fill(length);
            if (length > 0)
            {
                Assert.Equal(length, buffer.Span[^1]);
                Assert.Equal(length, buffer.Memory.Span[0]);
            }
        }

        GC.Collect();
        Assert.All(kept, buffer => Assert.True(buffer.Span.IndexOfAnyExcept((float)buffer.Length) < 0));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(AlignedBuffer.LengthMax + 1L)]
    [InlineData(long.MaxValue)]
    public void Buffer_ImpossibleLength_IsRefused(long length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new AlignedBuffer(length));
}
