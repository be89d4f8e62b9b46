using System.IO.Compression;
using Distributed.Framework.Data.Pickle;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Files that lie, in every way we could think of: always a DataException, never much memory.</summary>
public sealed class TorchFileHostileTests : IDisposable
{
    private const long AllocatedBytesMax = 64 << 20;
    private static readonly (string Key, byte[] Bytes)[] s_storage = [("0", new byte[12])];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cposix\nsystem\n(X\\x02\\x00\\x00\\x00lstR", "posix.system")]
    [InlineData("\\x8c\\x05posix\\x8c\\x06system\\x93\\x8c\\x02ls\\x85R", "posix.system")]
    [InlineData("cbuiltins\neval\n(X\\x01\\x00\\x00\\x001tR", "builtins.eval")]
    [InlineData("ctorch._utils\n_rebuild_tensor\n)R", "torch._utils._rebuild_tensor")]
    [InlineData("ctorch.storage\n_load_from_bytes\n)R", "torch.storage._load_from_bytes")]
    [InlineData("ctorch.nn.modules.linear\nLinear\n)\\x81", "torch.nn.modules.linear.Linear")]
    [InlineData("c\\x1b[2J\nsystem\n.", "?[2J.system")]
    [InlineData("(iposix\nsystem\n", "instruction 0x69")]
    [InlineData("ccollections\nOrderedDict\n)\\x81", "instruction 0x81")]
    [InlineData("\\x82\\x01", "instruction 0x82")]
    [InlineData("ctorch\nFloatStorage\n)R", "torch.FloatStorage")]
    [InlineData("ccollections\nOrderedDict\n", "collections.OrderedDict")]
    [InlineData("](ccollections\nOrderedDict\ne", "collections.OrderedDict")]
    [InlineData("ccollections\nOrderedDict\n)R}X\\x08\\x00\\x00\\x00__init__K\\x01sb", "attributes")]
    [InlineData("]}b", "attributes")]
    public void Load_WhatIsNotData_IsRefusedByName(string pickle, string name)
    {
        DataException fault = Refused(PickleBytes.Zip(pickle, s_storage));

        Assert.Contains(name, fault.Message, StringComparison.Ordinal);
        Assert.Contains("refused", fault.Message, StringComparison.Ordinal);
        Refused(PickleBytes.Legacy(pickle, []));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("(")]
    [InlineData("t")]
    [InlineData("K\\x01(0")]
    [InlineData("K\\x01a")]
    [InlineData("]K\\x01s")]
    [InlineData("}(K\\x01u")]
    [InlineData("h\\x00")]
    [InlineData("j\\xff\\xff\\xff\\xff")]
    [InlineData("X\\xff\\xff\\xff\\xff")]
    [InlineData("\\x8d\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x7f")]
    [InlineData("\\x8d\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff")]
    [InlineData("X\\x02\\x00\\x00\\x00\\xc3\\x28")]
    [InlineData("\\x8b\\xff\\xff\\xff\\x7f")]
    [InlineData("\\x8a\\xff")]
    [InlineData("L99999999999999999999999999999999999999999999999999L\n")]
    [InlineData("Fnonsense\n")]
    [InlineData("Q")]
    [InlineData("NQ")]
    [InlineData("NNR")]
    [InlineData("\\x80\\x09")]
    [InlineData("ccollections\nOrderedDict\nN\\x85R")]
    [InlineData("ccollections\nOrderedDict\n](Ne\\x85R")]
    public void Load_BrokenPickles_AreFaults(string pickle)
    {
        Refused(PickleBytes.Zip(pickle, s_storage));
        Refused(PickleBytes.Legacy(pickle, []));
    }

    [Theory]
    [InlineData("FloatStorage", 3, 0, new long[] { 4 }, new long[] { 1 })]
    [InlineData("FloatStorage", 3, 1, new long[] { 3 }, new long[] { 1 })]
    [InlineData("FloatStorage", 3, -1, new long[] { 1 }, new long[] { 1 })]
    [InlineData("FloatStorage", 3, 0, new long[] { 2 }, new long[] { 3 })]
    [InlineData("FloatStorage", 3, 0, new long[] { 3 }, new long[] { -1 })]
    [InlineData("FloatStorage", 3, 0, new long[] { -3 }, new long[] { 1 })]
    [InlineData("FloatStorage", 3, 0, new long[] { 2, 2 }, new long[] { 1 })]
    [InlineData("FloatStorage", 3, long.MaxValue, new long[] { 2 }, new long[] { 1 })]
    [InlineData("FloatStorage", 3, 1, new long[] { 2 }, new long[] { long.MaxValue })]
    [InlineData("FloatStorage", 3, 0, new long[] { 2, 2 }, new long[] { long.MaxValue, long.MaxValue })]
    [InlineData("FloatStorage", 3, 0, new long[] { long.MaxValue, 4 }, new long[] { 0, 0 })]
    [InlineData("FloatStorage", 3, 0, new long[] { 1L << 32, 1L << 32 }, new long[] { 0, 0 })]
    [InlineData("FloatStorage", 3, 0, new long[] { 1L << 30 }, new long[] { 0 })]
    [InlineData("FloatStorage", 3, 0, new long[] { 0, long.MaxValue, 7 }, new long[] { 0, 0, 0 })]
    [InlineData("FloatStorage", 4, 0, new long[] { 3 }, new long[] { 1 })]
    [InlineData("FloatStorage", -1, 0, new long[] { 1 }, new long[] { 1 })]
    [InlineData("FloatStorage", 1L << 32, 0, new long[] { 1 }, new long[] { 1 })]
    [InlineData("FloatStorage", long.MaxValue, 0, new long[] { 1 }, new long[] { 1 })]
    [InlineData("DoubleStorage", long.MaxValue / 8, 0, new long[] { 1 }, new long[] { 1 })]
    public void Load_TensorsThatReachOutside_AreFaults(
        string storage, long elements, long offset, long[] shape, long[] strides)
    {
        string pickle = PickleBytes.Tensor(storage, "0", elements, offset, shape, strides);

        Refused(PickleBytes.Zip(pickle, s_storage));
        Refused(PickleBytes.Legacy(pickle, [("0", elements, new byte[12])]));
    }

    [Fact]
    public void Load_CompressedOrBigEndianOrMissingEntries_AreFaults()
    {
        string tensor = PickleBytes.Tensor("ByteStorage", "0", 1 << 20, 0, [1 << 20], [1]);
        (string, byte[])[] zeros = [("0", new byte[1 << 20])];

        Refused(PickleBytes.Zip(tensor, zeros, CompressionLevel.SmallestSize));
        Refused(PickleBytes.Zip(tensor, zeros, byteOrder: "big"));
        Refused(PickleBytes.Zip(tensor, [("1", new byte[1 << 20])]));
        Refused(PickleBytes.Zip(tensor, [("0", new byte[1 << 19])]));
        Refused(PickleBytes.Legacy(tensor, []));
        Refused([]);
        Refused("PK\x03\x04"u8.ToArray());
    }

    [Fact]
    public void Load_DeepNesting_CostsNoStack()
    {
        byte[] deep = PickleBytes.Zip("N" + string.Concat(Enumerable.Repeat("\\x85", 200_000)), []);
        Assert.IsType<PickleTuple>(TorchFile.Load(_folder.Write("deep", deep)));

        Refused(PickleBytes.Zip(new string('(', 1_100_000), []));
        Refused(PickleBytes.Zip(new string('N', 1_100_000), []));
    }

    [Fact]
    public void Load_ListCopiedAgainAndAgain_IsAFault()
    {
        string list = "](" + new string('N', 20_000) + "e\\x85q\\x00ccollections\nOrderedDict\nq\\x01";
        Refused(PickleBytes.Zip(list + string.Concat(Enumerable.Repeat("h\\x01h\\x00R", 20_000)), []));
    }

    [Fact]
    public void LoadStateDict_StorageSharedByMany_IsAFault()
    {
        string entries = string.Concat(Enumerable.Range(0, 2_000).Select(i =>
            PickleBytes.Text($"name{i}") + PickleBytes.Tensor("ByteStorage", "0", 1 << 20, 0, [1 << 20], [1])));
        string path = _folder.Write("file", PickleBytes.Zip("}(" + entries + "u", [("0", new byte[1 << 20])]));

        Assert.Throws<DataException>(() => TorchFile.LoadStateDict(path));
    }

    /// <summary>
    /// Goal: damage never surprises. Method: cut small files at every byte, and flip bits of every byte.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_EveryTruncationAndManyFlips_AreFaultsOrValues(bool legacy)
    {
        string pickle = PickleBytes.Tensor("FloatStorage", "0", 3, 0, [3], [1]) + "q\\x05"
            + "}(" + PickleBytes.Text("a") + "h\\x05" + PickleBytes.Text("b")
            + "G?\\xf8\\x00\\x00\\x00\\x00\\x00\\x00u\\x86";
        byte[] file = legacy
            ? PickleBytes.Legacy(pickle, [("0", 3, new byte[12])])
            : PickleBytes.Zip(pickle, s_storage);
        Assert.IsType<PickleTuple>(TorchFile.Load(_folder.Write("whole", file)));

        for (int length = 0; length < file.Length; length++)
        {
            Refused(file[..length]);
        }

        for (int i = 0; i < file.Length; i++)
        {
            foreach (byte flip in new byte[] { 1, 4, 0x10, 0x80, 0xFF })
            {
                byte[] damaged = [.. file];
                damaged[i] ^= flip;
                try
                {
                    TorchFile.Load(_folder.Write("damaged", damaged));
                }
                catch (DataException)
                {
                    // As it should be; anything else fails the test.
                }
            }
        }
    }

    private DataException Refused(byte[] file)
    {
        string path = _folder.Write("refused", file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        DataException fault = Assert.Throws<DataException>(() => TorchFile.Load(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocatedBytesMax);
        Assert.NotEmpty(fault.Remedy);
        Assert.Contains(path, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
        return fault;
    }
}
