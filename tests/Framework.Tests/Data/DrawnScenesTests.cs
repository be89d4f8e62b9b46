using System.Security.Cryptography;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Synthetic;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Drawn scenes: the same bytes for ever, no two alike, smooth areas among them.</summary>
public sealed class DrawnScenesTests
{
    /// <summary>The images are part of the format: when this changes, so must the recipe's name.</summary>
    [Fact]
    public void Draw_StoredHash_StaysForEver()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (uint index = 0; index < 50; index++)
        {
            hash.AppendData(Draw(RandomPurpose.SyntheticTraining, index, 64));
        }

        Assert.Equal(
            "8e2cf165a7f9d70a58dc0ae07e26c49bf124ec713548fc1d98c14126c3dbfa49",
            Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(64)]
    public void Draw_AnySide_AllocatesNothing(int side)
    {
        Draw(RandomPurpose.SyntheticTraining, 1, side);
        float[] scratch = new float[DrawnScenes.ScratchLength(side)];
        byte[] image = new byte[3 * side * side];

        Assert.Equal(0, Allocation.Of(() =>
            DrawnScenes.Draw(new Philox(0, RandomPurpose.SyntheticTraining), 1, side, scratch, image)));
    }

    /// <summary>
    /// Goal: what dead leaves lack is there: large smooth areas, and colour that covers the range. Method: shares of
    /// images by the mean difference of neighbours, and by mean brightness, over 500 images.
    /// </summary>
    [Fact]
    public void Draw_ManyImages_AreSmoothAndRoughDarkAndBright()
    {
        int smooth = 0;
        int rough = 0;
        int dark = 0;
        int bright = 0;
        HashSet<string> seen = [];
        for (uint index = 0; index < 500; index++)
        {
            byte[] image = Draw(RandomPurpose.SyntheticValidation, index, 64);
            seen.Add(Convert.ToHexString(SHA256.HashData(image)));
            double steps = Enumerable.Range(0, image.Length - 1)
                .Where(i => i % 64 != 63).Average(i => Math.Abs(image[i + 1] - image[i]));
            double mean = image.Average(value => (double)value);
            smooth += steps < 1.5 ? 1 : 0;
            rough += steps > 8 ? 1 : 0;
            dark += mean < 60 ? 1 : 0;
            bright += mean > 150 ? 1 : 0;
        }

        Assert.InRange(seen.Count, 495, 500);
        Assert.InRange(smooth, 100, 250);
        Assert.InRange(rough, 100, 300);
        Assert.InRange(dark, 50, 250);
        Assert.InRange(bright, 50, 250);
    }

    [Fact]
    public void Open_Scenes_TrainsOnWindowsAndValidatesWithPictures()
    {
        DataOptions options = new() { Source = DataOptions.Scenes };
        Assert.Equal(new ImageShape(3, 32, 32), DataSources.OpenTraining(options).Shape);
        PairSource validation = DataSources.OpenValidation(options)!;
        Assert.Equal(new ImageShape(3, 256, 256), validation.Shape);
        Assert.True(validation.HasCleanTargets);
        Assert.NotEqual(
            DataSources.OpenTraining(options).ContentHash,
            DataSources.OpenTraining(new DataOptions()).ContentHash);
    }

    private static byte[] Draw(RandomPurpose purpose, uint index, int side)
    {
        byte[] image = new byte[3 * side * side];
        DrawnScenes.Draw(new Philox(0, purpose), index, side, new float[DrawnScenes.ScratchLength(side)], image);
        return image;
    }
}
