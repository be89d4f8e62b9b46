using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>Pairs that are in memory: sample i of one tensor with sample i of the other. Views, no copies.</summary>
internal sealed class TensorPairs : PairSource
{
    private readonly Tensor _inputs;
    private readonly Tensor _targets;
    private string? _contentHash;

    /// <exception cref="ShapeException">They are no batches, or of different lengths.</exception>
    public TensorPairs(Tensor inputs, Tensor targets)
    {
        Shape = SampleShape(inputs, nameof(inputs));
        SampleShape(targets, nameof(targets));
        if (inputs.Shape[0] != targets.Shape[0])
        {
            throw new ShapeException(
                $"{inputs.Shape[0]} inputs and {targets.Shape[0]} targets are given.", "Give a target for each input.");
        }

        _inputs = inputs;
        _targets = targets;
    }

    public override int Count => _inputs.Shape[0];

    public override ImageShape Shape { get; }

    public override bool HasCleanTargets => false;

    public override string ContentHash => _contentHash ??= Hash();

    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        CopySample(_inputs, index, input);
        CopySample(_targets, index, target);
    }

    private static void CopySample(Tensor tensor, int index, Span<float> target)
    {
        int elements = tensor.Span.Length / tensor.Shape[0];
        tensor.Span.Slice(index * elements, elements).CopyTo(target);
    }

    private static ImageShape SampleShape(Tensor tensor, string name) => tensor.Shape.Count switch
    {
        2 => new ImageShape(tensor.Shape[1], 1, 1),
        4 => new ImageShape(tensor.Shape[1], tensor.Shape[2], tensor.Shape[3]),
        _ => throw new ShapeException(
            $"The {name} are {tensor}, no batch.", "Give [N, C, H, W], or [N, F] for vectors."),
    };

    private string Hash()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in (Tensor[])[_inputs, _targets])
        {
            hash.AppendData(Encoding.ASCII.GetBytes(tensor.ToString()));
            hash.AppendData(MemoryMarshal.AsBytes(tensor.Span));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
