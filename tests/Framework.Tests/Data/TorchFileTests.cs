using System.Buffers.Binary;
using Distributed.Framework.Data.Pickle;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests.Data;

/// <summary>What PyTorch writes is read; the real files were written by PyTorch itself.</summary>
public sealed class TorchFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_ZipAndLegacy_HoldTheSameTensors()
    {
        PickleTuple zip = Assert.IsType<PickleTuple>(TorchFile.Load(TestFiles.Path("tiny_zip.pkl")));
        PickleTuple legacy = Assert.IsType<PickleTuple>(TorchFile.Load(TestFiles.Path("tiny_legacy.pkl")));

        Assert.Equal(2, zip.Items.Count);
        for (int i = 0; i < 2; i++)
        {
            TorchTensor expected = Assert.IsType<TorchTensor>(zip.Items[i]);
            TorchTensor actual = Assert.IsType<TorchTensor>(legacy.Items[i]);
            Assert.Equal([16L, 3, 32, 32], expected.Shape);
            Assert.Equal(expected.Shape, actual.Shape);
            Assert.Equal(expected.ToBytes(), actual.ToBytes());
            Assert.Equal(expected.ToBytes().Select(b => (float)b), actual.ToFloats());
        }
    }

    /// <summary>The views are [::2, :, ::2] of the second half, and a transposed one: see the strides.</summary>
    [Fact]
    public void Load_Views_FollowStridesAndOffsets()
    {
        PickleTuple views = Assert.IsType<PickleTuple>(TorchFile.Load(TestFiles.Path("tiny_views.pkl")));
        PickleTuple whole = Assert.IsType<PickleTuple>(TorchFile.Load(TestFiles.Path("tiny_zip.pkl")));
        byte[] first = ((TorchTensor)views.Items[0]).ToBytes();
        byte[] second = ((TorchTensor)views.Items[1]).ToBytes();
        byte[] storage0 = ((TorchTensor)whole.Items[0]).ToBytes();
        byte[] storage1 = ((TorchTensor)whole.Items[1]).ToBytes();

        Assert.Equal([8L, 3, 16, 32], ((TorchTensor)views.Items[0]).Shape);
        Assert.Equal(Strided(storage0, 12288, [8, 3, 16, 32], [3072, 1024, 64, 1]), first);
        Assert.Equal(Strided(storage1, 12288, [8, 3, 32, 32], [3072, 1024, 1, 32]), second);
    }

    [Theory]
    [InlineData("ByteStorage", TorchDType.UInt8, "ff", 255f)]
    [InlineData("CharStorage", TorchDType.Int8, "ff", -1f)]
    [InlineData("ShortStorage", TorchDType.Int16, "feff", -2f)]
    [InlineData("IntStorage", TorchDType.Int32, "00000080", -2147483648f)]
    [InlineData("LongStorage", TorchDType.Int64, "0500000000000000", 5f)]
    [InlineData("HalfStorage", TorchDType.Float16, "003e", 1.5f)]
    [InlineData("BFloat16Storage", TorchDType.BFloat16, "c03f", 1.5f)]
    [InlineData("FloatStorage", TorchDType.Float32, "0000c03f", 1.5f)]
    [InlineData("DoubleStorage", TorchDType.Float64, "000000000000f83f", 1.5f)]
    [InlineData("BoolStorage", TorchDType.Bool, "07", 1f)]
    public void Load_EveryType_GivesItsValue(string storage, TorchDType type, string hex, float expected)
    {
        byte[] bytes = Convert.FromHexString(hex);
        string pickle = PickleBytes.Tensor(storage, "0", 1, 0, [1, 1], [7, 7]);
        string zip = _folder.Write("zip", PickleBytes.Zip(pickle, [("0", bytes)], byteOrder: "little"));
        string legacy = _folder.Write("legacy", PickleBytes.Legacy(pickle, [("0", 1, bytes)]));

        foreach (string path in new[] { zip, legacy })
        {
            TorchTensor tensor = Assert.IsType<TorchTensor>(TorchFile.Load(path));
            Assert.Equal(type, tensor.DType);
            Assert.Equal([expected], tensor.ToFloats());
        }
    }

    [Fact]
    public void Load_ExpandedAndEmptyTensors_AreRead()
    {
        string expanded = PickleBytes.Tensor("ByteStorage", "0", 3, 0, [4, 3], [0, 1]);
        string empty = PickleBytes.Tensor("ByteStorage", "0", 3, 3, [0, 5], [5, 1]);
        string path = _folder.Write("file", PickleBytes.Zip(expanded + empty + "\\x86", [("0", [1, 2, 3])]));

        PickleTuple pair = Assert.IsType<PickleTuple>(TorchFile.Load(path));

        Assert.Equal([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3], ((TorchTensor)pair.Items[0]).ToBytes());
        Assert.Empty(((TorchTensor)pair.Items[1]).ToBytes());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LoadStateDict_OrderedDictWithMetadata_GivesNamesInOrder(bool inCheckpoint)
    {
        byte[] weights = new byte[24];
        for (int i = 0; i < 6; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(weights.AsSpan(4 * i), i + 0.5f);
        }

        string dict = "ccollections\nOrderedDict\n)R("
            + PickleBytes.Text("0.weight") + PickleBytes.Tensor("FloatStorage", "0", 6, 0, [2, 3], [3, 1])
            + PickleBytes.Text("1.num_batches_tracked") + PickleBytes.Tensor("LongStorage", "1", 1, 0, [], [])
            + "u}" + PickleBytes.Text("_metadata") + "ccollections\nOrderedDict\n)Rsb";
        string checkpoint = "}(" + PickleBytes.Text("epoch") + "K\\x03" + PickleBytes.Text("state_dict") + dict + "u";
        string pickle = inCheckpoint ? checkpoint : dict;
        string path = _folder.Write("file", PickleBytes.Zip(pickle, [("0", weights), ("1", [9, 0, 0, 0, 0, 0, 0, 0])]));

        IReadOnlyList<StateDictEntry> entries = TorchFile.LoadStateDict(path);

        Assert.Equal(["0.weight", "1.num_batches_tracked"], entries.Select(entry => entry.Name));
        Assert.Equal([2L, 3], entries[0].Shape);
        Assert.Equal([0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f], entries[0].Values);
        Assert.Equal(TorchDType.Int64, entries[1].DType);
        Assert.Empty(entries[1].Shape);
        Assert.Equal([9f], entries[1].Values);
    }

    [Fact]
    public void LoadStateDict_APairOfTensors_IsRefused()
    {
        string path = TestFiles.Path("tiny_zip.pkl");
        DataException fault = Assert.Throws<DataException>(() => TorchFile.LoadStateDict(path));

        Assert.Contains("a tuple of 2", fault.Message, StringComparison.Ordinal);
    }

    private static byte[] Strided(byte[] storage, int offset, int[] shape, int[] strides)
    {
        List<byte> values = [];
        for (int n = 0; n < shape[0]; n++)
        {
            for (int c = 0; c < shape[1]; c++)
            {
                for (int y = 0; y < shape[2]; y++)
                {
                    for (int x = 0; x < shape[3]; x++)
                    {
                        int place = (n * strides[0]) + (c * strides[1]) + (y * strides[2]) + (x * strides[3]);
                        values.Add(storage[offset + place]);
                    }
                }
            }
        }

        return [.. values];
    }
}
