using System.Globalization;
using System.Runtime.InteropServices;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>A picture, or all images of a tensor, as every file format gives them.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Type">Name of the stored type; "uint8" if Bytes is there.</param>
/// <param name="Count">Images of a tensor; null for a picture.</param>
/// <param name="Shape">Of each image.</param>
/// <param name="Bytes">[N, C, H, W] of type uint8; null for other types, and for what is in a file.</param>
/// <param name="Floats">
/// [N, C, H, W] of other types, ready for use: range applied, finite; empty for what is in a file.
/// </param>
internal sealed partial record ImageBlock(
    string Name, string Type, int? Count, ImageShape Shape, byte[]? Bytes, float[] Floats)
{
    /// <summary>Type of bytes, which stay as they are until they are read.</summary>
    public const string ByteType = "uint8";

    /// <summary>Lowest and highest number as stored; null if they are not known without looking.</summary>
    public (float Low, float High)? Stored { get; init; }

    /// <summary>The type's maximum; null for floats.</summary>
    public double? TypeMaximum { get; init; }

    /// <summary>Images in it.</summary>
    public int Images => Count ?? 1;

    /// <summary>Where its pixels are until they are asked for; null if they are in memory.</summary>
    public StoredNumbers? File { get; init; }

    /// <summary>Memory it takes, in bytes.</summary>
    public long MemoryBytes => Bytes?.LongLength ?? (Floats.LongLength * sizeof(float));

    /// <summary>What messages call one of its images.</summary>
    public string NameOf(int inside) =>
        Count is null ? Name : string.Create(CultureInfo.InvariantCulture, $"{Name}, image {inside}");

    /// <summary>A block of bytes.</summary>
    public static ImageBlock OfBytes(string name, int? count, ImageShape shape, byte[] bytes) =>
        new(name, ByteType, count, shape, bytes, []) { TypeMaximum = byte.MaxValue };

    /// <summary>A block of other numbers.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="type">Name of the stored type.</param>
    /// <param name="count">Images of a tensor; null for a picture.</param>
    /// <param name="shape">Of each image.</param>
    /// <param name="values">[N, C, H, W] as stored; kept, and changed to the range.</param>
    /// <param name="typeMaximum">What becomes 1 unless the range says otherwise; null for floats.</param>
    /// <param name="range">Which values become 0 and 1.</param>
    /// <exception cref="DataException">A value is not finite, or nobody says what wide integers mean.</exception>
    public static ImageBlock OfNumbers(
        string name, string type, int? count, ImageShape shape, float[] values, double? typeMaximum, ValueRange range)
    {
        (float low, float high) = (float.PositiveInfinity, float.NegativeInfinity);
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                int inside = i % shape.Elements;
                throw NotFinite(
                    name,
                    count is null ? null : i / shape.Elements,
                    (inside / (shape.H * shape.W), inside / shape.W % shape.H, inside % shape.W),
                    values[i]);
            }

            low = Math.Min(low, values[i]);
            high = Math.Max(high, values[i]);
        }

        CheckRange(name, type, typeMaximum, range, (low, high));
        range.Apply(values, typeMaximum);
        return new ImageBlock(name, type, count, shape, null, values)
        {
            Stored = (low, high),
            TypeMaximum = typeMaximum,
        };
    }

    /// <summary>Lowest and highest number as stored; looks at all bytes.</summary>
    public (float Low, float High) FindStored()
    {
        if (File is not null)
        {
            return FindStoredInFile(File);
        }

        if (Bytes is null)
        {
            return Stored ?? (Floats.Min(), Floats.Max());
        }

        (byte low, byte high) = (byte.MaxValue, byte.MinValue);
        foreach (byte value in Bytes)
        {
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }

        return (low, high);
    }

    /// <summary>Writes a window of an image.</summary>
    /// <param name="inside">Which image.</param>
    /// <param name="table">What each byte becomes.</param>
    /// <param name="top">The window's first row.</param>
    /// <param name="left">The window's first column.</param>
    /// <param name="window">Shape of the window.</param>
    /// <param name="destination">[C, H, W] of the window, overwritten.</param>
    public void ReadWindow(
        int inside, ReadOnlySpan<float> table, int top, int left, ImageShape window, Span<float> destination)
    {
        if (File is not null)
        {
            ReadFile(File, inside, table, (0, top, left), window, destination);
            return;
        }

        int first = checked(inside * Shape.Elements);
        if (Bytes is not null)
        {
            CopyBytes(Bytes.AsSpan(first, Shape.Elements), Shape, table, top, left, window, destination);
            return;
        }

        ReadOnlySpan<float> image = Floats.AsSpan(first, Shape.Elements);
        for (int row = 0; row < window.C * window.H; row++)
        {
            int start = (((row / window.H * Shape.H) + top + (row % window.H)) * Shape.W) + left;
            image.Slice(start, window.W).CopyTo(destination[(row * window.W)..]);
        }
    }

    /// <summary>Cuts a window out of bytes and converts it.</summary>
    /// <param name="image">[C, H, W].</param>
    /// <param name="shape">C, H and W of the image.</param>
    /// <param name="table">What each byte becomes.</param>
    /// <param name="top">The window's first row.</param>
    /// <param name="left">The window's first column.</param>
    /// <param name="window">Shape of the window.</param>
    /// <param name="destination">[C, H, W] of the window, overwritten.</param>
    public static void CopyBytes(
        ReadOnlySpan<byte> image,
        ImageShape shape,
        ReadOnlySpan<float> table,
        int top,
        int left,
        ImageShape window,
        Span<float> destination)
    {
        for (int row = 0; row < window.C * window.H; row++)
        {
            int start = (((row / window.H * shape.H) + top + (row % window.H)) * shape.W) + left;
            ReadOnlySpan<byte> source = image.Slice(start, window.W);
            Span<float> target = destination.Slice(row * window.W, window.W);
            for (int x = 0; x < source.Length; x++)
            {
                target[x] = table[source[x]];
            }
        }
    }

    /// <summary>Writes a line with type and shape, then the values.</summary>
    public void WriteContent(Stream target)
    {
        string count = Count is { } images ? string.Create(CultureInfo.InvariantCulture, $" {images}") : "";
        ImageSet.WriteLine(target, string.Create(
            CultureInfo.InvariantCulture, $"{Type}{count} {Shape.C} {Shape.H} {Shape.W}"));
        if (target is ContentRecorder recorder)
        {
            recorder.Add(this);
            return;
        }

        if (File is not null)
        {
            WriteFile(File, target);
            return;
        }

        target.Write(Bytes ?? MemoryMarshal.AsBytes(Floats.AsSpan()));
    }
}
