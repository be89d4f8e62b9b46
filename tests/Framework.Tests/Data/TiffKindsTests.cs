using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>
/// TIFF files that others have written: uncompressed ones by tifffile (2023.2.3), BigTIFF with 64-bit offsets and tiles
/// among them, compressed ones by libtiff (4.5.0). Pixels follow from n = 1009 (17 y + 5 x + 3 c) + 7.
/// </summary>
public sealed class TiffKindsTests
{
    private static readonly ImageShape s_size = new(1, 21, 19);

    public static TheoryData<string> Files() =>
        [.. Directory.GetFiles(TestFiles.Path("tiff")).Select(path => Path.GetFileName(path)).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Read_FilesOfOthers_GivesTheirNumbers(string name)
    {
        string type = name.Split('_', '.')[0];
        bool isWhole = !type.StartsWith("float", StringComparison.Ordinal);
        StoredPicture picture = StoredPicture.Read(
            TestFiles.Path($"tiff/{name}"), isWhole ? 0 : null, isWhole ? 1 : null);
        Assert.Equal(type, picture.Type);
        Assert.Equal(s_size with { C = picture.Shape.C }, picture.Shape);
        for (int i = 0; i < picture.Values.Length; i++)
        {
            (int x, int y, int c) = (i % s_size.W, i / s_size.W % s_size.H, i / (s_size.H * s_size.W));
            Assert.Equal((float)Value(type, (1009 * ((17 * y) + (5 * x) + (3 * c))) + 7), picture.Values[i]);
        }
    }

    /// <summary>Without a range a type's maximum is 1; nobody knows what is white in 32 bits.</summary>
    [Fact]
    public void Read_WithoutARange_ScalesByTheTypeOrRefuses()
    {
        Assert.Equal((float)(Value("int8", 7) / 127), First("int8.tif"));
        Assert.Equal((float)(Value("int16", 7) / 32767), First("int16.tif"));
        Assert.Equal(1, First("bool.tif"));
        Assert.Equal((float)Value("float16", 7), First("float16.tif"));
        Assert.Contains("uint32", Assert.Throws<DataException>(() => First("uint32.tif")).Message);
        Assert.Contains("0:4294967295", Assert.Throws<DataException>(() => First("int32.tif")).Remedy);

        static float First(string name) => StoredPicture.Read(TestFiles.Path($"tiff/{name}")).Values[0];
    }

    private static double Value(string type, long n) => type switch
    {
        "bool" => n % 2,
        "uint8" => n % 256,
        "uint16" => n * 37 % 65536,
        "uint32" => n * 16777619 % (1L << 32),
        "int8" => (n % 256) - 128,
        "int16" => (n * 37 % 65536) - 32768,
        "int32" => (n * 16777619 % (1L << 32)) - (1L << 31),
        "float16" => (n % 2048 / 8.0) - 100,
        _ => (n * 0.375) - 20,
    };
}
