using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tests.Data;

namespace Distributed.Framework.Tests.Checkpoints;

/// <summary>Weights reach a model from every kind of file, and only those that are its own.</summary>
public sealed class StateDictTests : IDisposable
{
    private static readonly float[] s_values = [.. Enumerable.Range(0, 11).Select(i => (i / 8f) - 0.5f)];
    private readonly Data.TemporaryFolder _folder = new();
    private readonly Model _model =
        new(new Sequential(new Conv2d(1, 1, 3, padding: 1), new ConvTranspose2d(1, 1, 1, bias: false)));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void CopyTo_SafetensorsInAnotherOrderWithACounter_FillsTheParameters()
    {
        NamedTensor counter = NamedTensor.OfIntegers("2.num_batches_tracked", [], new long[] { 7 });
        string path = Write([.. Tensors().Reverse(), counter]);

        Assert.Equal(s_values, Load(path));
        Assert.Equal(3, StateDict.Read(path).Tensors.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CopyTo_StateDictOfPyTorch_FillsTheParameters(bool isLegacy)
    {
        string pickle = "ccollections\nOrderedDict\n)R("
            + PickleBytes.Text("0.weight") + PickleBytes.Tensor("FloatStorage", "0", 9, 0, [1, 1, 3, 3], [9, 9, 3, 1])
            + PickleBytes.Text("0.bias") + PickleBytes.Tensor("FloatStorage", "1", 1, 0, [1], [1])
            + PickleBytes.Text("1.weight") + PickleBytes.Tensor("FloatStorage", "2", 1, 0, [1, 1, 1, 1], [1, 1, 1, 1])
            + PickleBytes.Text("2.num_batches_tracked") + PickleBytes.Tensor("LongStorage", "3", 1, 0, [], [])
            + "u";
        byte[] bytes = MemoryMarshal.AsBytes<float>(s_values).ToArray();
        byte[] counter = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(counter, 7);
        byte[] file = isLegacy
            ? PickleBytes.Legacy(
                pickle, [("0", 9, bytes[..36]), ("1", 1, bytes[36..40]), ("2", 1, bytes[40..]), ("3", 1, counter)])
            : PickleBytes.Zip(pickle, [("0", bytes[..36]), ("1", bytes[36..40]), ("2", bytes[40..]), ("3", counter)]);

        Assert.Equal(s_values, Load(_folder.Write("weights", file)));
    }

    [Fact]
    public void CopyTo_Checkpoint_TakesItsParametersAlone()
    {
        NamedTensor[] state = [new("exp_avg.0.weight", [9], new float[9])];
        Checkpoint checkpoint = new(3, "{}", Tensors(), [], state, new Dictionary<string, string>());
        string path = _folder.File("step-00000003.safetensors");
        AtomicFile.Write(path, stream => CheckpointFile.Write(stream, checkpoint));

        Assert.Equal(s_values, Load(path));
    }

    [Fact]
    public void Read_CheckpointWithOneFlippedBit_IsRefused()
    {
        Checkpoint checkpoint = new(3, "{}", Tensors(), [], [], new Dictionary<string, string>());
        string path = _folder.File("step-00000003.safetensors");
        AtomicFile.Write(path, stream => CheckpointFile.Write(stream, checkpoint));
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);

        DataException fault = Assert.Throws<DataException>(() => StateDict.Read(path));
        Assert.Contains("hash", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CopyTo_MissingSurplusOrMisshapenTensors_AreRefusedByNameAndShape()
    {
        NamedTensor[] tensors = [.. Tensors()];
        NamedTensor wide = new("0.weight", [1, 1, 9, 1], tensors[0].Values);
        NamedTensor surplus = new("5.bias", [2], new float[2]);

        Refused([tensors[0], tensors[2]], "lacks 0.bias [1]");
        Refused([.. tensors, surplus], "has 5.bias [2]");
        Refused([wide, tensors[1], tensors[2]], "'0.weight' has shape [1, 1, 9, 1]; the model wants [1, 1, 3, 3]");
        Refused([], "it has none");
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.NegativeInfinity, "infinity")]
    public void CopyTo_WeightsThatAreNotFinite_AreRefusedByName(float value, string word)
    {
        NamedTensor[] tensors = [.. Tensors()];
        string path = Write([tensors[0], new NamedTensor("0.bias", [1], new[] { value }), tensors[2]]);

        DataException fault = Assert.Throws<DataException>(() => Load(path));
        Assert.Contains("'0.bias'", fault.Message, StringComparison.Ordinal);
        Assert.Contains(word, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_MissingFileOrAnotherKind_IsRefusedByName()
    {
        foreach (string path in new[] { _folder.File("none"), _folder.Write("text", "hello, world"u8.ToArray()) })
        {
            DataException fault = Assert.Throws<DataException>(() => StateDict.Read(path));
            Assert.Contains(path, fault.Message, StringComparison.Ordinal);
        }
    }

    private static IReadOnlyList<NamedTensor> Tensors() =>
    [
        new("0.weight", [1, 1, 3, 3], s_values.AsMemory(0, 9)),
        new("0.bias", [1], s_values.AsMemory(9, 1)),
        new("1.weight", [1, 1, 1, 1], s_values.AsMemory(10, 1)),
    ];

    private void Refused(IReadOnlyList<NamedTensor> tensors, string part)
    {
        string path = Write(tensors);
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Load(path));
        Assert.Contains(part, fault.Message, StringComparison.Ordinal);
        Assert.Contains(path, fault.Message, StringComparison.Ordinal);
    }

    private float[] Load(string path)
    {
        float[] parameters = new float[_model.ParameterCount];
        StateDict.Read(path).CopyTo(_model, parameters);
        return parameters;
    }

    private string Write(IReadOnlyList<NamedTensor> tensors)
    {
        string path = _folder.File("weights.safetensors");
        AtomicFile.Write(path, stream => SafetensorsWriter.Write(stream, null, tensors));
        return path;
    }
}
