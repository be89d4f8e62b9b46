using System.Globalization;
using System.Runtime.InteropServices;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Packed;

/// <summary>One stored part of a packed file: one picture, or all images of a tensor.</summary>
/// <param name="Type">As the file says.</param>
/// <param name="Count">Images of a tensor; null for a picture.</param>
/// <param name="Shape">Of each image.</param>
/// <param name="Bytes">The values of type uint8; null for others.</param>
/// <param name="Floats">The values of other types, ready for use.</param>
internal sealed record PackedPart(string Type, int? Count, ImageShape Shape, byte[]? Bytes, float[] Floats)
{
    /// <summary>Images in it.</summary>
    public int Images => Count ?? 1;
}

/// <summary>Images from a packed file: the same values and the same hash as those that were packed.</summary>
internal sealed class PackedImages : ImageSet
{
    private readonly List<PackedPart> _parts;
    private readonly string _name;
    private readonly float[] _table;
    private readonly bool _isTensor;

    /// <summary>Images of one tensor, or pictures.</summary>
    public PackedImages(List<PackedPart> parts, string name, ValueRange range)
    {
        _parts = parts;
        _name = name;
        _table = range.ByteTable();
        _isTensor = parts[0].Count is not null;
    }

    /// <inheritdoc/>
    public override int Count => _isTensor ? _parts[0].Images : _parts.Count;

    /// <inheritdoc/>
    public override string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"{_name}, image {index}");

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int index) => PartOf(index).Part.Shape;

    /// <inheritdoc/>
    public override void ReadWindow(int index, int top, int left, ImageShape window, Span<float> destination)
    {
        (PackedPart part, int inside) = PartOf(index);
        ImageShape shape = part.Shape;
        int start = checked(inside * shape.Elements);
        if (part.Bytes is { } bytes)
        {
            CopyBytes(bytes.AsSpan(start, shape.Elements), shape, _table, top, left, window, destination);
            return;
        }

        ReadOnlySpan<float> image = part.Floats.AsSpan(start, shape.Elements);
        for (int row = 0; row < window.C * window.H; row++)
        {
            int source = (((row / window.H * shape.H) + top + (row % window.H)) * shape.W) + left;
            image.Slice(source, window.W).CopyTo(destination[(row * window.W)..]);
        }
    }

    /// <inheritdoc/>
    public override void WriteContent(Stream target)
    {
        foreach (PackedPart part in _parts)
        {
            string count = part.Count is { } images ? string.Create(CultureInfo.InvariantCulture, $" {images}") : "";
            WriteLine(target, string.Create(
                CultureInfo.InvariantCulture, $"{part.Type}{count} {part.Shape.C} {part.Shape.H} {part.Shape.W}"));
            target.Write(part.Bytes ?? MemoryMarshal.AsBytes(part.Floats.AsSpan()));
        }
    }

    private (PackedPart Part, int Inside) PartOf(int index) => _isTensor ? (_parts[0], index) : (_parts[index], 0);
}
