using System.Text;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Data.Tiff;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>
/// Lengths, times and brightness of TIFF files go on to their results. The files are tifffile's (2023.2.3); it reads
/// from the results what is expected here.
/// </summary>
public sealed class TiffNotesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("scaled_imagej.tif", 4, 1, 5, 2, 1, "unit=um\nspacing=0.5\nfinterval=0.25\nmin=100.0\nmax=3000.0\n")]
    [InlineData("scaled.ome.tif", 1_000_000, 65_000, 1_000_000, 130_000, 1, "unit=micron\n")]
    [InlineData("scaled_inch.tif", 300, 1, 600, 1, 2, "")]
    public void Results_KeepLengths(string name, uint x, uint ofX, uint y, uint ofY, int unit, string lines)
    {
        foreach (bool isBig in new[] { false, true })
        {
            StoredPictures read = StoredPictures.Read(TestFiles.Path(name));
            string path = _folder.File($"{isBig}.tif");
            using (FileStream stream = File.Create(path))
            {
                read.WriteTiff(stream, [.. read.Pictures.Select(picture => picture.Values)], isBig);
            }

            byte[] file = File.ReadAllBytes(path);
            Assert.Equal(isBig ? 43 : 42, file[2]);
            TiffBytes bytes = new(new MemoryBytes(file), isBigEndian: false, isBig, path);
            TiffDirectory first = new(bytes, bytes.Offset(isBig ? 8 : 4));
            TiffNotes notes = TiffNotes.Read(first);
            Assert.Equal(x | ((ulong)ofX << 32), notes.Resolution!.X);
            Assert.Equal(y | ((ulong)ofY << 32), notes.Resolution.Y);
            Assert.Equal(unit, notes.Resolution.Unit);
            Assert.EndsWith(lines, first.Text(TiffTag.ImageDescription), StringComparison.Ordinal);
            StoredPictures again = StoredPictures.Read(path);
            Assert.Equal(
                read.Pictures.SelectMany(picture => picture.Values), again.Pictures.SelectMany(one => one.Values));
            Assert.Equal(read.Description, again.Description);
        }
    }

    /// <summary>What ImageJ shows as black and white is the range to use, where the type's is of no use.</summary>
    [Fact]
    public void ShownNumbers_AreTheSuggestedRange()
    {
        DataDescription description = StoredPictures.Read(TestFiles.Path("scaled_imagej.tif")).Description;
        Assert.Equal((100.0, 3000.0), description.SuggestedRange);
        Assert.Contains("ImageJ shows 100 as black and 3000 as", description.ScaleFault, StringComparison.Ordinal);
    }

    [Fact]
    public void ChangedNotes_AreIgnored()
    {
        string text = "ImageJ=1.54f\nimages=1\nunit=\u0001\nmin=9\nmax=nan\nspacing=" + new string('1', 200);
        byte[] file = new TiffWriter(2, 2, 1, 8) { Description = text }.Write([1, 2, 3, 4]);
        StoredPictures read = StoredPictures.Read(_folder.Write("a.tif", file));
        string path = _folder.File("out.tif");
        using (FileStream stream = File.Create(path))
        {
            read.WriteTiff(stream, [read.Pictures[0].Values]);
        }

        Assert.Equal(new ImageShape(1, 2, 2), read.Pictures[0].Shape);
        Assert.Contains(
            "ImageJ=1.54f\nimages=1\nmin=9\nmax=nan\n\0",
            Encoding.Latin1.GetString(File.ReadAllBytes(path)),
            StringComparison.Ordinal);
    }
}
