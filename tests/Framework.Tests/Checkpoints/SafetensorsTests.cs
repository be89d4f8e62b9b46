using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests.Checkpoints;

/// <summary>Round trips, files written by the format's own library, and hostile input.</summary>
public sealed class SafetensorsTests
{
    private static readonly NamedTensor[] s_tensors =
    [
        new("0.weight", [2, 3], new float[] { 1, -2, 3.5f, float.NaN, float.PositiveInfinity, -0f }),
        new("0.bias", [1], new float[] { float.Epsilon }),
        NamedTensor.OfIntegers("1.num_batches_tracked", [], new long[] { long.MinValue }),
        new("empty \"\u00e9\"", [0, 4], Array.Empty<float>()),
    ];

    [Fact]
    public void WriteThenRead_AnyTensors_GivesEqualBitsInTheSameOrder()
    {
        SafetensorsFile file = Parse(Write(new() { ["key"] = "va\"lue\n\u00e9" }, s_tensors));

        Assert.Equal("va\"lue\n\u00e9", file.Metadata["key"]);
        Assert.Equal(s_tensors.Select(tensor => tensor.Name), file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(s_tensors.Select(tensor => tensor.Shape), file.Tensors.Select(tensor => tensor.Shape));
        Assert.Equal(Bits(s_tensors[0].Values.ToArray()), Bits(file.Tensors[0].ReadFloats()));
        Assert.Equal(Bits(s_tensors[1].Values.ToArray()), Bits(file.Find("0.bias")!.ReadFloats()));
        Assert.Equal([long.MinValue], file.Tensors[2].ReadInt64s());
        Assert.Empty(file.Tensors[3].ReadFloats());
    }

    /// <summary>PyTorch's reader views the bytes as elements, so it needs aligned starts.</summary>
    [Fact]
    public void Write_OddFloatsBeforeIntegers_AlignsEveryTensorToItsElements()
    {
        byte[] bytes = Write(null, s_tensors);

        long header = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, header % 8);
        string json = Encoding.UTF8.GetString(bytes.AsSpan(8, (int)header));
        Assert.Contains("\"1.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}", json);
        Assert.Contains("\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]}", json);
        Assert.DoesNotContain("__metadata__", json);
    }

    [Fact]
    public void Write_NameTwiceOrWrongShape_Throws()
    {
        Assert.Throws<ArgumentException>(() => Write(null, [s_tensors[0], s_tensors[0]]));
        Assert.Throws<ArgumentException>(() => Write(null, [s_tensors[0] with { Shape = [7] }]));
    }

    [Fact]
    public void Read_FileOfTheReferenceLibrary_GivesItsContent()
    {
        SafetensorsFile mse = SafetensorsFile.Read(Golden("mse_00"));
        SafetensorsFile crossEntropy = SafetensorsFile.Read(Golden("cross_entropy_00"));

        Assert.Equal("mean", mse.Metadata["reduction"]);
        Assert.Equal(["x", "target", "loss", "grad_x"], mse.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([4, 3, 8, 8], mse.Tensors[0].Shape);
        float[] x = mse.Tensors[0].ReadFloats();
        float[] target = mse.Tensors[1].ReadFloats();
        double loss = x.Zip(target, (a, b) => ((double)a - b) * ((double)a - b)).Average();
        Assert.Equal(loss, mse.Find("loss")!.ReadFloats()[0], 1e-5);
        Assert.Equal(SafetensorsType.I64, crossEntropy.Find("target")!.DType);
        Assert.All(crossEntropy.Find("target")!.ReadInt64s(), label => Assert.InRange(label, 0, 1));
    }

    [Theory]
    [InlineData("F64", "000000000000F83F", 1.5f)]
    [InlineData("F16", "003E", 1.5f)]
    [InlineData("BF16", "C03F", 1.5f)]
    [InlineData("I64", "FEFFFFFFFFFFFFFF", -2f)]
    [InlineData("U8", "FF", 255f)]
    public void ReadFloats_OtherTypes_Converts(string type, string hex, float expected)
    {
        byte[] data = Convert.FromHexString(hex);
        string header = $$$"""{"x":{"dtype":"{{{type}}}","shape":[1],"data_offsets":[0,{{{data.Length}}}]}}""";

        Assert.Equal([expected], Parse(Join(header, data)).Tensors[0].ReadFloats());
    }

    [Theory]
    [InlineData("""{"x":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}""", "I32")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "8 bytes by its shape")]
    [InlineData("""{"x":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}""", "begins at 4")]
    [InlineData("""{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "end at byte 3")]
    [InlineData("""{"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "end at byte 8")]
    [InlineData("""{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"x":{}}""", "'x' twice")]
    [InlineData("""{"__metadata__":{"a":"1","\u0061":"2"}}""", "'a' twice")]
    [InlineData("""{"__metadata__":{"a":1}}""", "Number where a String")]
    [InlineData("""{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"dtype":"U8"}}""", "'dtype' twice")]
    [InlineData("""{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"more":1}}""", "unknown field 'more'")]
    [InlineData("""{"x":{"dtype":"U8","shape":[4]}}""", "lacks")]
    [InlineData("""{"x":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", "whole number")]
    [InlineData("""{"x":{"dtype":"U8","shape":[4.5],"data_offsets":[0,4]}}""", "whole number")]
    [InlineData("""{"x":{"dtype":"U8","shape":[[4]],"data_offsets":[0,4]}}""", "whole number")]
    [InlineData("""{"x":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", "2^63")]
    [InlineData("""{"x":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", "lies from 4 to 0")]
    [InlineData("""{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}} {}""", "no valid JSON")]
    [InlineData("""[]""", "does not begin")]
    [InlineData("", "does not begin")]
    [InlineData("""{"x":""", "no valid JSON")]
    [InlineData("""{"x":{"dtype":"\ud800","shape":[4],"data_offsets":[0,4]}}""", "no valid JSON")]
    public void Read_HeaderAgainstTheFormat_SaysWhat(string header, string what)
    {
        DataException exception = Assert.Throws<DataException>(() => Parse(Join(header, new byte[4])));

        Assert.Contains(what, exception.Message, StringComparison.Ordinal);
        Assert.StartsWith("here", exception.Message, StringComparison.Ordinal);
        Assert.NotEmpty(exception.Remedy);
    }

    [Fact]
    public void Read_OverlappingTensors_IsRefused()
    {
        const string Header = """
            {"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}
            """;

        Assert.Contains("begins at 1", Assert.Throws<DataException>(() => Parse(Join(Header, new byte[4]))).Message);
    }

    [Fact]
    public void Read_DeepJson_IsRefused() =>
        Assert.Throws<DataException>(() => Parse(Join(
            """{"x":""" + new string('[', 100_000) + new string(']', 100_000) + "}", [])));

    [Theory]
    [InlineData(4L << 30)]
    [InlineData(-1L)]
    [InlineData(long.MinValue)]
    [InlineData(100_000_001L)]
    public void Read_HugeHeaderLength_IsRefusedBeforeAllocation(long length)
    {
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<DataException>(() => Parse(bytes));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Read_EveryPrefix_IsRefused()
    {
        byte[] bytes = Write(new() { ["a"] = "b" }, s_tensors);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<DataException>(() => Parse(bytes[..length]));
        }
    }

    [Fact]
    public void Read_EveryBitFlip_IsRefusedOrReads()
    {
        byte[] bytes = Write(new() { ["a"] = "b" }, s_tensors);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                foreach (SafetensorsTensor tensor in Parse(bytes).Tensors)
                {
                    tensor.ReadFloats();
                }
            }
            catch (DataException)
            {
                // The only exception there may be.
            }

            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / (bytes.Length * 8), 0, 64 << 10);
    }

    [Fact]
    public void Read_MissingFileOrFolder_NamesIt()
    {
        Assert.Contains("/no/such", Assert.Throws<DataException>(() => SafetensorsFile.Read("/no/such")).Message);
        Assert.Throws<DataException>(() => SafetensorsFile.Read(Path.GetTempPath()));
        Assert.Throws<DataException>(() => SafetensorsFile.Read(""));
    }

    internal static byte[] Write(Dictionary<string, string>? metadata, IReadOnlyList<NamedTensor> tensors)
    {
        using MemoryStream stream = new();
        SafetensorsWriter.Write(stream, metadata, tensors);
        return stream.ToArray();
    }

    private static SafetensorsFile Parse(byte[] bytes) => SafetensorsFile.Read(new MemoryStream(bytes), "here");

    private static byte[] Join(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. data];
    }

    private static IEnumerable<int> Bits(float[] values) => values.Select(BitConverter.SingleToInt32Bits);

    private static string Golden(string name, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Golden", "cases", name + ".safetensors");
}
