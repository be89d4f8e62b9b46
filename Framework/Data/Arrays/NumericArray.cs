using System.Buffers.Binary;
using System.Globalization;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Arrays;

/// <summary>An array of numbers from a file, as yet unconverted.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Kind">'u' unsigned, 'i' signed, 'f' float.</param>
/// <param name="ItemBytes">1, 2, 4 or 8; of floats 2, 4 or 8.</param>
/// <param name="IsBigEndian">Whether an item's upper byte comes first.</param>
/// <param name="Shape">The last index runs fastest.</param>
/// <param name="Bytes">What holds the items.</param>
/// <param name="Start">Where the first item is; the last one ends with the bytes.</param>
internal sealed record NumericArray(
    string Name, char Kind, int ItemBytes, bool IsBigEndian, int[] Shape, RandomBytes Bytes, long Start)
{
    /// <summary>Channels that are told from rows and columns by their number.</summary>
    public const int ChannelsMax = 4;

    /// <summary>Name of the type, as NumPy has it.</summary>
    public string Type => (Kind switch { 'u' => "uint", 'i' => "int", _ => "float" })
        + (ItemBytes * 8).ToString(CultureInfo.InvariantCulture);

    /// <summary>Shape in words.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";

    private bool IsByte => Kind == 'u' && ItemBytes == 1;

    private double? TypeMaximum => Kind == 'f'
        ? null
        : (double)(ulong.MaxValue >> (64 - (ItemBytes * 8) + (Kind == 'i' ? 1 : 0)));

    /// <summary>Checks a shape against the bytes that are there.</summary>
    /// <returns>How many bytes it takes; null if more than there are, or if it is no shape.</returns>
    public static long? BytesOf(ReadOnlySpan<int> shape, int itemBytes, long available)
    {
        UInt128 bytes = (uint)itemBytes;
        foreach (int size in shape)
        {
            if (size < 1)
            {
                return null;
            }

            bytes *= (uint)size;
            if (bytes > (ulong)available)
            {
                return null;
            }
        }

        return (long)bytes;
    }

    /// <summary>
    /// As images: [2, N, C, H, W] are pairs; [N, C, H, W], [N, H, W] and [H, W] single images. Channels may come last:
    /// they are where a size of at most 4 is.
    /// </summary>
    /// <exception cref="DataException">Another shape, or a value that is not finite.</exception>
    /// <param name="range">Which values become 0 and 1.</param>
    /// <param name="channelsAreLast">Where the file says it; null to tell by the sizes.</param>
    /// <param name="memory">Where the images may be; null for in memory.</param>
    public ImageContent ToContent(ValueRange range, bool? channelsAreLast = null, DataMemory? memory = null)
    {
        bool isKept = memory?.Takes((Bytes.Length - Start) / ItemBytes * (IsByte ? 1 : sizeof(float))) != false;
        if (channelsAreLast is { } areLast && Shape.Length == 4)
        {
            ImageShape image = areLast
                ? new ImageShape(Shape[3], Shape[1], Shape[2])
                : new ImageShape(Shape[1], Shape[2], Shape[3]);
            return new ImageContent([ToBlock(range, 0, Shape[0], image, areLast, isKept)])
            {
                ChannelsAreLast = areLast,
            };
        }

        if (Shape.Length == 5 && Shape[0] == 2)
        {
            return new ImageContent([ToBlock(range, 0, Shape.AsSpan(1), isKept)])
            {
                Targets = [ToBlock(range, 1, Shape.AsSpan(1), isKept)],
                Pairing = $"pairs are the two halves of the array {ShapeText}",
            };
        }

        return Shape.Length is 2 or 3 or 4
            ? new ImageContent([ToBlock(range, 0, Shape, isKept)])
            {
                ChannelsAreLast = AreChannelsLast(Shape),
                IsPlainArray = Shape.Length == 3,
            }
            : throw new DataException(
                $"{Name} has shape {ShapeText}.",
                "Give pairs [2, N, C, H, W], or images [N, C, H, W], [N, H, W, C], [N, H, W] or [H, W].");
    }

    /// <summary>As classes, one an element.</summary>
    /// <exception cref="DataException">A value is not from 0 to 255, or not an integer.</exception>
    public byte[] ToLabels()
    {
        byte[] labels = new byte[(Bytes.Length - Start) / ItemBytes];
        float[] values = ToFloats(0, labels.Length);
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = Kind != 'f' && values[i] is >= 0 and <= byte.MaxValue
                ? (byte)values[i]
                : throw new DataException(
                    string.Create(CultureInfo.InvariantCulture, $"{Name}: label {i} is {values[i]} of type {Type}."),
                    "Labels are whole numbers from 0 to 255.");
        }

        return labels;
    }

    /// <summary>[N, F] as N vectors of F features; anything else as images.</summary>
    /// <exception cref="DataException">Another shape, or a value that is not finite.</exception>
    public ImageContent ToSamples(ValueRange range) => Shape.Length == 2
        ? new ImageContent([ToBlock(range, 0, Shape[0], new ImageShape(Shape[1], 1, 1), channelsLast: false, true)])
        : ToContent(range);

    private static bool AreChannelsLast(ReadOnlySpan<int> shape) =>
        shape.Length == 4 && shape[3] <= ChannelsMax && shape[1] > ChannelsMax;

    private ImageBlock ToBlock(ValueRange range, int part, ReadOnlySpan<int> shape, bool isKept)
    {
        int count = shape.Length == 2 ? 1 : shape[0];
        bool channelsLast = AreChannelsLast(shape);
        ImageShape image = shape.Length switch
        {
            4 when channelsLast => new ImageShape(shape[3], shape[1], shape[2]),
            4 => new ImageShape(shape[1], shape[2], shape[3]),
            _ => new ImageShape(1, shape[^2], shape[^1]),
        };
        return ToBlock(range, part, count, image, channelsLast, isKept);
    }

    private ImageBlock ToBlock(
        ValueRange range, int part, int count, ImageShape image, bool channelsLast, bool isKept)
    {
        if (!isKept)
        {
            long before = (long)part * count * image.C * image.H * image.W * ItemBytes;
            SampleFormat format = new(Kind, ItemBytes, IsBigEndian);
            ArrayStore store = new(Bytes, Start + before, format, image, channelsLast);
            return ImageBlock.OfStore(Name, Type, count, image, store, TypeMaximum, range);
        }

        int elements = checked(count * image.Elements);
        if (IsByte)
        {
            byte[] bytes = Bytes.View(Start + ((long)part * elements), elements).ToArray();
            return ImageBlock.OfBytes(
                Name, count, image, channelsLast ? Planes.FromInterleaved(bytes, image) : bytes);
        }

        float[] values = ToFloats((long)part * elements, elements);
        return ImageBlock.OfNumbers(
            Name,
            Type,
            count,
            image,
            channelsLast ? Planes.FromInterleaved(values, image) : values,
            TypeMaximum,
            range);
    }

    private float[] ToFloats(long first, int count)
    {
        float[] values = new float[count];
        ReadOnlySpan<byte> data = Bytes.View(Start + (first * ItemBytes), checked(count * ItemBytes)).Span;
        Span<byte> item = stackalloc byte[sizeof(ulong)];
        for (int i = 0; i < count; i++)
        {
            data.Slice(i * ItemBytes, ItemBytes).CopyTo(item);
            if (IsBigEndian)
            {
                item[..ItemBytes].Reverse();
            }

            values[i] = ToFloat(Kind, item[..ItemBytes]);
        }

        return values;
    }

    /// <summary>A number as a float.</summary>
    /// <param name="kind">'u' unsigned, 'i' signed, 'f' float.</param>
    /// <param name="item">Its bytes, the lowest first.</param>
    public static float ToFloat(char kind, ReadOnlySpan<byte> item) => (kind, item.Length) switch
    {
        ('u', 1) => item[0],
        ('u', 2) => BinaryPrimitives.ReadUInt16LittleEndian(item),
        ('u', 4) => BinaryPrimitives.ReadUInt32LittleEndian(item),
        ('u', _) => BinaryPrimitives.ReadUInt64LittleEndian(item),
        ('i', 1) => (sbyte)item[0],
        ('i', 2) => BinaryPrimitives.ReadInt16LittleEndian(item),
        ('i', 4) => BinaryPrimitives.ReadInt32LittleEndian(item),
        ('i', _) => BinaryPrimitives.ReadInt64LittleEndian(item),
        (_, 2) => (float)BinaryPrimitives.ReadHalfLittleEndian(item),
        (_, 4) => BinaryPrimitives.ReadSingleLittleEndian(item),
        _ => (float)BinaryPrimitives.ReadDoubleLittleEndian(item),
    };
}
