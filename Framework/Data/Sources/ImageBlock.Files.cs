using System.Globalization;
using System.Runtime.InteropServices;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Numbers in a file.</summary>
/// <param name="store">How to read them.</param>
/// <param name="range">Which of them become 0 and 1.</param>
internal sealed class StoredNumbers(PixelStore store, ValueRange range)
{
    /// <summary>How to read them.</summary>
    public PixelStore Store => store;

    /// <summary>Which of them become 0 and 1.</summary>
    public ValueRange Range => range;

    /// <summary>The lowest and the highest one; null until they have been looked at.</summary>
    public (float Low, float High)? Extent { get; set; }

    /// <summary>Reads a window of them, as <see cref="PixelStore.ReadNumbers"/> does.</summary>
    /// <param name="name">What messages call them.</param>
    /// <param name="inside">Which image.</param>
    /// <param name="at">The window's first channel, row and column.</param>
    /// <param name="window">Shape of the window, inside the image.</param>
    /// <param name="target">[C, H, W] of the window, overwritten.</param>
    /// <exception cref="DataException">The file is damaged, cannot be read, or is another one by now.</exception>
    public void Read(
        string name, int inside, (int Channel, int Top, int Left) at, ImageShape window, Span<float> target)
    {
        try
        {
            store.ReadNumbers(inside, at, window, target);
        }
        catch (Exception exception) when (FileFaults.Find(name, exception) is { } fault)
        {
            throw fault;
        }
    }
}

/// <summary>Blocks whose pixels stay in a file: the same values, and the same bytes in their content.</summary>
internal sealed partial record ImageBlock
{
    /// <summary>Numbers that are read at a time where all are looked at.</summary>
    private const int BandElements = 1 << 18;

    /// <summary>Bytes as they are.</summary>
    private static readonly float[] s_same = [.. Enumerable.Range(0, byte.MaxValue + 1)];

    /// <summary>A block whose pixels stay in a file.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="type">Name of the stored type.</param>
    /// <param name="count">Images of a tensor; null for a picture.</param>
    /// <param name="shape">Of each image.</param>
    /// <param name="store">Where they are.</param>
    /// <param name="typeMaximum">What becomes 1 unless the range says otherwise; null for floats.</param>
    /// <param name="range">Which values become 0 and 1.</param>
    /// <exception cref="DataException">An image has more elements than can be counted.</exception>
    public static ImageBlock OfStore(
        string name,
        string type,
        int? count,
        ImageShape shape,
        PixelStore store,
        double? typeMaximum,
        ValueRange range) => (long)shape.C * shape.H * shape.W <= Array.MaxLength
        ? new ImageBlock(name, type, count, shape, null, [])
        {
            File = new StoredNumbers(store, range),
            TypeMaximum = typeMaximum,
        }
        : throw new DataException($"{name} is an image of {shape}: too large.", "Cut it into smaller ones.");

    /// <summary>The first images of a tensor.</summary>
    public ImageBlock First(int count) => this with
    {
        Count = Math.Min(Images, count),
        File = File is null ? null : new StoredNumbers(File.Store, File.Range),
    };

    private static DataException NotFinite(
        string name, int? image, (int Channel, int Row, int Column) at, float value)
    {
        string first = image is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{image}, ");
        return new DataException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: element [{first}{at.Channel}, {at.Row}, {at.Column}] is {value}."),
            "Replace or leave out images with values that are not finite.");
    }

    /// <summary>Refuses wide integers of which nobody says what they mean.</summary>
    private static void CheckRange(
        string name, string type, double? typeMaximum, ValueRange range, (float Low, float High) stored)
    {
        if (typeMaximum > ushort.MaxValue && !range.IsGiven)
        {
            throw new DataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} holds {type} from {stored.Low} to {stored.High}: which value is white cannot be told from "
                    + $"the type."),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Say which values become 0 and 1, for example --range 0:{ScaleCheck.FullScale(stored.High)}."));
        }
    }

    private void ReadFile(
        StoredNumbers file,
        int inside,
        ReadOnlySpan<float> table,
        (int Channel, int Top, int Left) at,
        ImageShape window,
        Span<float> destination)
    {
        destination = destination[..window.Elements];
        file.Read(Name, inside, at, window, destination);
        if (Type != ByteType)
        {
            file.Range.Apply(destination, TypeMaximum);
            return;
        }

        foreach (ref float value in destination)
        {
            value = table[(int)value];
        }
    }

    private (float Low, float High) FindStoredInFile(StoredNumbers file)
    {
        if (file.Extent is { } known)
        {
            return known;
        }

        (float low, float high) = (float.PositiveInfinity, float.NegativeInfinity);
        float[] numbers = [];
        for (int inside = 0; inside < Images; inside++)
        {
            foreach ((int Top, ImageShape Band) part in Bands(Shape))
            {
                Array.Resize(ref numbers, Math.Max(numbers.Length, part.Band.Elements));
                Span<float> values = numbers.AsSpan(0, part.Band.Elements);
                file.Read(Name, inside, (0, part.Top, 0), part.Band, values);
                for (int i = 0; i < values.Length; i++)
                {
                    if (!float.IsFinite(values[i]))
                    {
                        int row = i / Shape.W;
                        throw NotFinite(
                            Name,
                            Count is null ? null : inside,
                            (row / part.Band.H, part.Top + (row % part.Band.H), i % Shape.W),
                            values[i]);
                    }

                    low = Math.Min(low, values[i]);
                    high = Math.Max(high, values[i]);
                }
            }
        }

        CheckRange(Name, Type, TypeMaximum, file.Range, (low, high));
        file.Extent = (low, high);
        return (low, high);
    }

    /// <summary>Bytes of the values in the content.</summary>
    public long ContentBytes => (long)Images * Shape.Elements * (Type == ByteType ? 1 : sizeof(float));

    /// <summary>Reads values from anywhere in the content.</summary>
    /// <param name="offset">Of the first byte, behind the line.</param>
    /// <param name="target">Overwritten, all of it.</param>
    public void ReadContent(long offset, Span<byte> target)
    {
        int itemBytes = Type == ByteType ? 1 : sizeof(float);
        long first = offset / itemBytes;
        int count = (int)(((offset + target.Length + itemBytes - 1) / itemBytes) - first);
        int skip = (int)(offset - (first * itemBytes));
        if (File is null)
        {
            ReadOnlySpan<byte> all = Bytes is null
                ? MemoryMarshal.AsBytes(Floats.AsSpan((int)first, count))
                : Bytes.AsSpan((int)first, count);
            all.Slice(skip, target.Length).CopyTo(target);
            return;
        }

        float[] values = new float[count];
        for (int done = 0; done < count;)
        {
            (long row, long x) = Math.DivRem(first + done, Shape.W);
            (long plane, long y) = Math.DivRem(row, Shape.H);
            (long inside, long c) = Math.DivRem(plane, Shape.C);
            ImageShape part = new(1, 1, (int)Math.Min(Shape.W - x, count - done));
            ReadFile(File, (int)inside, s_same, ((int)c, (int)y, (int)x), part, values.AsSpan(done, part.W));
            done += part.W;
        }

        if (Type != ByteType)
        {
            MemoryMarshal.AsBytes(values.AsSpan()).Slice(skip, target.Length).CopyTo(target);
            return;
        }

        for (int i = 0; i < target.Length; i++)
        {
            target[i] = (byte)values[i];
        }
    }

    private void WriteFile(StoredNumbers file, Stream target)
    {
        float[] values = [];
        byte[] bytes = [];
        ImageShape plane = Shape.Elements <= BandElements ? Shape : Shape with { C = 1 };
        for (int inside = 0; inside < Images; inside++)
        {
            for (int c = 0; c < Shape.C; c += plane.C)
            {
                foreach ((int top, ImageShape band) in Bands(plane))
                {
                    Array.Resize(ref values, Math.Max(values.Length, band.Elements));
                    Span<float> part = values.AsSpan(0, band.Elements);
                    ReadFile(file, inside, s_same, (c, top, 0), band, part);
                    if (Type != ByteType)
                    {
                        target.Write(MemoryMarshal.AsBytes(part));
                        continue;
                    }

                    Array.Resize(ref bytes, Math.Max(bytes.Length, part.Length));
                    for (int i = 0; i < part.Length; i++)
                    {
                        bytes[i] = (byte)part[i];
                    }

                    target.Write(bytes.AsSpan(0, part.Length));
                }
            }
        }
    }

    private static IEnumerable<(int Top, ImageShape Band)> Bands(ImageShape shape)
    {
        int rows = Math.Max(1, BandElements / (shape.C * shape.W));
        for (int top = 0; top < shape.H; top += rows)
        {
            yield return (top, shape with { H = Math.Min(rows, shape.H - top) });
        }
    }
}
