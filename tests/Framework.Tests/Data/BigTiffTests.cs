using System.Security.Cryptography;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Tiff;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Outputs above 4 GB are BigTIFF; tifffile (2023.2.3) has read small ones of these bytes.</summary>
public sealed class BigTiffTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 8, "742eb5fd017e122e")]
    [InlineData(3, 16, "53ec224ed484261a")]
    [InlineData(1, 32, "fb35a05bdb3485a9")]
    public void Write_Big_IsReadBack_AndHasTheBytesThatOthersRead(int channels, int bits, string sha)
    {
        string path = _folder.File("big.tif");
        byte[][] pages = [.. Enumerable.Range(0, 3).Select(page => Pixels(page, 5 * 7 * channels * bits / 8))];
        using (FileStream stream = File.Create(path))
        {
            ImageShape shape = new(channels, 5, 7);
            List<long> starts = TiffEncoder.Write(
                stream,
                pages.Select(_ => new TiffOutputPage(shape, bits)),
                new TiffText("ImageJ=1.54f\n"),
                isBig: true);
            for (int i = 0; i < pages.Length; i++)
            {
                stream.Position = starts[i];
                stream.Write(pages[i]);
            }
        }

        byte[] file = File.ReadAllBytes(path);
        Assert.Equal(43, file[2]);
        Assert.Equal(sha, Convert.ToHexStringLower(SHA256.HashData(file))[..16]);
        StoredPictures read = StoredPictures.Read(path, 0, 1);
        Assert.Equal(3, read.Pictures.Count);
        Assert.Equal((bits == 8 ? "uint8" : bits == 16 ? "uint16" : "float32", channels),
            (read.Pictures[0].Type, read.Pictures[0].Shape.C));
        if (bits == 8)
        {
            Assert.Equal(pages[2].Select(value => (float)value), read.Pictures[2].Values);
        }
    }

    [Fact]
    public void NeedsBig_AboveFourGigabytes()
    {
        Assert.False(TiffEncoder.NeedsBig(1, 4_294_000_000));
        Assert.True(TiffEncoder.NeedsBig(1, 4_294_967_000));
        Assert.True(TiffEncoder.NeedsBig(8_000_000, 1_000_000_000));
    }

    /// <summary>Bytes below 64, so that floats of them are finite.</summary>
    private static byte[] Pixels(int page, int count) =>
        [.. Enumerable.Range(0, count).Select(i => (byte)((i + (11 * page)) % 61))];
}
