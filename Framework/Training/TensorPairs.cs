using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Losses;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>Pairs that are in memory: sample i of one tensor with sample i of the other. Views, no copies.</summary>
/// <remarks>Class numbers become one-hot classes as they are read.</remarks>
internal sealed class TensorPairs : PairSource
{
    private readonly Tensor _inputs;
    private readonly Tensor _targets;
    private readonly bool _hasClasses;
    private string? _contentHash;

    /// <param name="inputs">[N, C, H, W] or [N, F].</param>
    /// <param name="targets">As inputs; or class numbers, if classes are wanted.</param>
    /// <param name="classesOf">The shape of the one-hot classes for an input's shape; null for no classes.</param>
    /// <exception cref="ShapeException">They are no batches, or of different lengths.</exception>
    /// <exception cref="ConfigurationException">A class number is out of range.</exception>
    public TensorPairs(Tensor inputs, Tensor targets, Func<ImageShape, ImageShape>? classesOf = null)
    {
        Shape = SampleShape(inputs, nameof(inputs));
        if (classesOf?.Invoke(Shape) is { } output && ClassIndices.Fit(
            output is { H: 1, W: 1 } ? [inputs.Shape[0], output.C] : [inputs.Shape[0], output.C, output.H, output.W],
            targets.Shape))
        {
            _hasClasses = true;
            TargetShape = output;
            foreach (float value in targets.Span)
            {
                ClassIndices.Read(value, output.C);
            }
        }
        else
        {
            TargetShape = SampleShape(targets, nameof(targets));
        }

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

    public override ImageShape TargetShape { get; }

    public override bool HasCleanTargets => false;

    public override string ContentHash => _contentHash ??= Hash();

    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        CopySample(_inputs, index, input);
        if (!_hasClasses)
        {
            CopySample(_targets, index, target);
            return;
        }

        int pixels = TargetShape.H * TargetShape.W;
        target = target[..TargetShape.Elements];
        target.Clear();
        for (int i = 0; i < pixels; i++)
        {
            target[((int)_targets.Span[(index * pixels) + i] * pixels) + i] = 1;
        }
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
