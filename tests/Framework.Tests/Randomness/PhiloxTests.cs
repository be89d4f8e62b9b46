using Distributed.Framework.Randomness;

namespace Distributed.Framework.Tests.Randomness;

/// <summary>Philox against the vectors of its authors, and its vector path against its scalar path.</summary>
public sealed class PhiloxTests
{
    /// <summary>Random123's kat_vectors, philox4x32 with 10 rounds; the purpose is the key's second word.</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(
        0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu,
        0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(
        0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u,
        0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_KnownCounterAndKey_GivesTheAuthorsWords(
        uint c0, uint c1, uint c2, uint c3, uint key0, uint key1, uint w0, uint w1, uint w2, uint w3)
    {
        Philox random = new(key0, (RandomPurpose)key1);

        Assert.Equal(new RandomBlock(w0, w1, w2, w3), random.Block(c0, c1, c2, c3));
    }

    [Fact]
    public void Fill_EveryLength_EqualsTheBlocks()
    {
        Philox random = new(77, RandomPurpose.TrainingNoise);
        for (int length = 0; length < 70; length++)
        {
            uint[] words = new uint[length + 1];
            words[length] = 0xDEADBEEF;

            random.Fill(3, 0xFFFFFFFF, 5, firstWord: 12, words.AsSpan(0, length));

            for (int i = 0; i < length; i++)
            {
                RandomBlock block = random.Block(3, 0xFFFFFFFF, 5, 3 + (uint)(i / 4));
                uint[] expected = [block.Word0, block.Word1, block.Word2, block.Word3];
                Assert.Equal(expected[i % 4], words[i]);
            }

            Assert.Equal(0xDEADBEEF, words[length]);
        }
    }
}
