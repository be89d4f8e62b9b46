using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Images in memory: those of one tensor, or pictures. What every file becomes.</summary>
/// <remarks>Sizes of pictures may differ, channels may not.</remarks>
internal sealed class BlockImages : ImageSet
{
    /// <summary>Most memory that the images of one set may take.</summary>
    public const long BytesMax = 8L << 30;

    private readonly IReadOnlyList<ImageBlock> _blocks;
    private readonly float[] _table;

    /// <param name="blocks">One tensor, or pictures; at least one.</param>
    /// <param name="range">What bytes become.</param>
    /// <exception cref="DataException">Channels differ, or all together are too large.</exception>
    public BlockImages(IReadOnlyList<ImageBlock> blocks, ValueRange range)
    {
        _blocks = blocks;
        _table = range.ByteTable();
        long bytes = 0;
        foreach (ImageBlock block in blocks)
        {
            bytes += block.MemoryBytes;
            if (block.Shape.C != blocks[0].Shape.C)
            {
                throw new DataException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{block.Name} has {block.Shape.C} channels, but {blocks[0].Name} has {blocks[0].Shape.C}."),
                    "Put grey and colour pictures into separate folders, or convert them.");
            }

            if (bytes > BytesMax)
            {
                throw new DataException(
                    $"The pictures before and with {block.Name} fill more than {BytesMax} bytes of memory.",
                    "Use fewer or smaller pictures.");
            }
        }
    }

    /// <inheritdoc/>
    public override int Count => IsOneTensor ? _blocks[0].Images : _blocks.Count;

    /// <inheritdoc/>
    public override bool IsOneTensor => _blocks[0].Count is not null;

    /// <inheritdoc/>
    public override string NameOf(int index) => IsOneTensor ? _blocks[0].NameOf(index) : _blocks[index].Name;

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int index) => _blocks[IsOneTensor ? 0 : index].Shape;

    /// <inheritdoc/>
    public override void ReadWindow(int index, int top, int left, ImageShape window, Span<float> destination)
    {
        (ImageBlock block, int inside) = IsOneTensor ? (_blocks[0], index) : (_blocks[index], 0);
        block.ReadWindow(inside, _table, top, left, window, destination);
    }

    /// <inheritdoc/>
    public override void WriteContent(Stream target)
    {
        ArgumentNullException.ThrowIfNull(target);
        foreach (ImageBlock block in _blocks)
        {
            block.WriteContent(target);
        }
    }
}
