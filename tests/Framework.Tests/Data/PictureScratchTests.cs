using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Pixels of a large PNG picture that wait in a file are those of the picture in memory.</summary>
public sealed class PictureScratchTests : IDisposable
{
    private const int Side = 2400;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void LargePicture_WaitsInAFile_WithTheSameNumbers()
    {
        string picture = Write(Side);
        string file = _folder.File("new/scratch");
        float[] expected = StoredPictures.Read(picture).Pictures[0].Values;
        using (PictureScratch scratch = new(file))
        {
            StoredPictures read = StoredPictures.Read(picture, scratch: scratch);
            Assert.Equal(3L * Side * Side, new FileInfo(file).Length);
            ImageShape window = new(3, 5, 7);
            float[] part = new float[window.Elements];
            read.Pictures[0].Reader(Side - 5, Side - 7, window, part);
            Assert.Equal(expected[^1], part[^1]);
            Assert.True(expected.AsSpan().SequenceEqual(read.Pictures[0].Values));
        }

        Assert.False(File.Exists(file));
    }

    [Fact]
    public void SmallPicture_StaysInMemory()
    {
        using PictureScratch scratch = new(_folder.File("scratch"));
        StoredPictures read = StoredPictures.Read(Write(100), scratch: scratch);
        Assert.False(File.Exists(_folder.File("scratch")));
        Assert.Equal(new ImageShape(3, 100, 100), read.Pictures[0].Shape);
    }

    [Fact]
    public void LargePicture_Damaged_IsRefusedAndLeavesNoFile()
    {
        string picture = Write(Side);
        byte[] bytes = File.ReadAllBytes(picture);
        File.WriteAllBytes(picture, bytes[..(bytes.Length / 2)]);
        using (PictureScratch scratch = new(_folder.File("scratch")))
        {
            Assert.Throws<DataException>(() => StoredPictures.Read(picture, scratch: scratch));
        }

        bytes[bytes.Length / 3] ^= 4;
        File.WriteAllBytes(picture, bytes);
        using (PictureScratch scratch = new(_folder.File("scratch")))
        {
            Assert.Throws<DataException>(() => StoredPictures.Read(picture, scratch: scratch));
        }

        Assert.False(File.Exists(_folder.File("scratch")));
    }

    /// <summary>Rows that are alike in no two places, and compress quickly.</summary>
    private string Write(int side)
    {
        byte[] pixels = new byte[3 * side * side];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)((i * 7) + (i / (3 * side) * 31) + (i >> 16));
        }

        using FileStream stream = File.Create(_folder.File("picture.png"));
        PngEncoder.Encode(new PngImage(side, side, 3, pixels), stream);
        return stream.Name;
    }
}
