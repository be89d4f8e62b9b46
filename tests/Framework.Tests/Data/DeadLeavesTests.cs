using System.Security.Cryptography;
using Distributed.Framework.Data.Synthetic;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Tests.Data;

/// <summary>
/// The synthetic images: the same bytes for ever, no two alike, and with the statistics of photographs.
/// </summary>
public sealed class DeadLeavesTests
{
    /// <summary>The images are part of the format: when this changes, so must the recipe's name.</summary>
    [Fact]
    public void Draw_StoredHash_StaysForEver()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (uint index = 0; index < 50; index++)
        {
            hash.AppendData(Draw(RandomPurpose.SyntheticTraining, index, 32));
        }

        Assert.Equal(
            "dbcc5c89a3e29088eda373ab1b7330717d6e09bbe6a2bdbaeb7a4250652e3263",
            Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    [Fact]
    public void Draw_OtherIndexPurposeOrSeed_IsAnotherImage()
    {
        HashSet<string> seen = [];
        for (uint index = 0; index < 200; index++)
        {
            Assert.True(seen.Add(Convert.ToHexString(Draw(RandomPurpose.SyntheticTraining, index, 32))));
            Assert.True(seen.Add(Convert.ToHexString(Draw(RandomPurpose.SyntheticValidation, index, 32))));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(64)]
    public void Draw_AnySide_FillsEveryPixelWithoutAllocating(int side)
    {
        Draw(RandomPurpose.SyntheticTraining, 1, side);
        float[] scratch = new float[DeadLeaves.ScratchLength(side)];
        byte[] image = new byte[3 * side * side];

        Assert.Equal(0, Allocation.Of(() =>
            DeadLeaves.Draw(new Philox(0, RandomPurpose.SyntheticTraining), 1, side, scratch, image)));
    }

    /// <summary>
    /// Goal: neither noise nor cartoons. Method: the mean squared difference of brightness at distances 1, 2, 4, 8; for
    /// photographs cut to 32 x 32 it was 0.0053, 0.012, 0.023, 0.033.
    /// </summary>
    [Fact]
    public void Draw_ManyImages_HaveTheStructureOfPhotographs()
    {
        double[] expected = [0.0053, 0.0123, 0.0229, 0.0331];
        for (int k = 0; k < expected.Length; k++)
        {
            int distance = 1 << k;
            double sum = 0;
            int count = 0;
            for (uint index = 0; index < 500; index++)
            {
                byte[] image = Draw(RandomPurpose.SyntheticTraining, index, 32);
                for (int i = 0; i < 1024; i++)
                {
                    if ((i % 32) + distance < 32)
                    {
                        double difference = Grey(image, i + distance) - Grey(image, i);
                        sum += difference * difference;
                        count++;
                    }
                }
            }

            Assert.InRange(sum / count, 0.7 * expected[k], 1.3 * expected[k]);
        }
    }

    private static double Grey(byte[] image, int i) => (image[i] + image[i + 1024] + image[i + 2048]) / 765.0;

    private static byte[] Draw(RandomPurpose purpose, uint index, int side)
    {
        byte[] image = new byte[3 * side * side];
        DeadLeaves.Draw(new Philox(0, purpose), index, side, new float[DeadLeaves.ScratchLength(side)], image);
        return image;
    }
}
