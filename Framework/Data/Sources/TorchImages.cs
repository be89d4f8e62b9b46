using Distributed.Framework.Data.Pickle;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Images in a file of torch.save: one tensor N x C x H x W, or a tuple of two, inputs and targets.</summary>
internal static class TorchImages
{
    private const int ChannelsMax = 4;

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">It is damaged, or holds something else.</exception>
    public static ImageContent Read(string path, ValueRange range)
    {
        PickleValue value = TorchFile.Load(path);
        if (value is TorchTensor single)
        {
            return new ImageContent([ToBlock(single, path, range)]);
        }

        IReadOnlyList<PickleValue>? items = (value as PickleTuple)?.Items ?? (value as PickleList)?.Items;
        if (items is not { Count: 2 } || items[0] is not TorchTensor first || items[1] is not TorchTensor second)
        {
            string kinds = string.Join(", ", (items ?? []).Take(4).Select(item => item.Kind));
            string found = items is null ? value.Kind : $"{value.Kind}: {kinds}";
            throw new DataException(
                $"{path} holds {found}.", "Save a tuple of two tensors, N x C x H x W: inputs and targets.");
        }

        return new ImageContent([ToBlock(first, $"{path}, first tensor", range)])
        {
            Targets = [ToBlock(second, $"{path}, second tensor", range)],
            Pairing = "pairs are the same place of the first and the second tensor",
        };
    }

    private static ImageBlock ToBlock(TorchTensor tensor, string name, ValueRange range)
    {
        if (tensor.Shape.Count != 4 || tensor.ElementCount == 0 || tensor.DType == TorchDType.Bool)
        {
            throw new DataException(
                $"{name} is {tensor.Kind}; images are needed, N x C x H x W.",
                "Save a tuple of two tensors of that shape, of bytes or floats.");
        }

        if (tensor.Shape[3] <= ChannelsMax && tensor.Shape[1] > ChannelsMax)
        {
            throw new DataException(
                $"{name} is {tensor.Kind}: its channels seem to be last; PyTorch's order is N x C x H x W.",
                "Save tensor.permute(0, 3, 1, 2), so that channels come before rows and columns.");
        }

        int count = (int)tensor.Shape[0];
        ImageShape shape = new((int)tensor.Shape[1], (int)tensor.Shape[2], (int)tensor.Shape[3]);
        return tensor.DType == TorchDType.UInt8
            ? ImageBlock.OfBytes(name, count, shape, tensor.ToBytes())
            : ImageBlock.OfNumbers(
                name,
                tensor.DType.ToString().ToLowerInvariant(),
                count,
                shape,
                tensor.ToFloats(),
                tensor.DType.IntegerMaximum(),
                range);
    }
}
