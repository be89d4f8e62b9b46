using System.Globalization;
using System.Runtime.InteropServices;
using Distributed.Framework.Data.Synthetic;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Dead leaves or scenes, each drawn when it is first read and then kept as bytes.</summary>
/// <remarks>
/// An image costs 0.1 ms (leaves, 32 pixels a side) to 0.3 ms (scenes, 64) to draw, so a set is never drawn at once: a
/// run begins at once and pays as it goes. Two threads may draw the same image at the same time; they write the same
/// bytes. Of a set of more than <see cref="CacheBytesMax"/> bytes the first images are kept, and the others are drawn
/// again at every reading.
/// </remarks>
public sealed class SyntheticImages : ImageSet
{
    /// <summary>Side of the standard set's images, in pixels.</summary>
    public const int StandardSide = 32;

    /// <summary>Images in the standard training set.</summary>
    public const int TrainingCount = 50_000;

    /// <summary>Images in the standard validation set.</summary>
    public const int ValidationCount = 1_000;

    /// <summary>Side of the scenes to train with, in pixels: windows are cut from them.</summary>
    public const int SceneSide = 64;

    /// <summary>Scenes to train with.</summary>
    public const int SceneCount = 10_000;

    /// <summary>Side of the scenes to validate with, in pixels: pictures that can be looked at.</summary>
    public const int ValidationSceneSide = 256;

    /// <summary>Scenes to validate with.</summary>
    public const int ValidationSceneCount = 12;

    private const long CacheBytesMax = 1L << 30;
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<(SyntheticKind, RandomPurpose, int, int), WeakReference<SyntheticImages>>
        s_shared = [];
    private static readonly float[] s_table = new ValueRange().ByteTable();
    private readonly uint _seed;
    private readonly SyntheticKind _kind;
    private readonly RandomPurpose _purpose;
    private readonly ImageShape _shape;
    private readonly byte[] _cache;
    private readonly bool[] _drawn;

    /// <param name="seed">Of the images, not of the run: the standard sets have 0.</param>
    /// <param name="purpose">SyntheticTraining or SyntheticValidation: the two never share an image.</param>
    /// <param name="count">At least 1.</param>
    /// <param name="side">In pixels, 1 to 1,024.</param>
    /// <param name="kind">What is drawn.</param>
    public SyntheticImages(
        uint seed,
        RandomPurpose purpose,
        int count,
        int side = StandardSide,
        SyntheticKind kind = SyntheticKind.DeadLeaves)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(side, 1024);
        _seed = seed;
        _kind = kind;
        _purpose = purpose;
        _shape = new ImageShape(DeadLeaves.Channels, side, side);
        Count = count;
        // Not cleared, so the system gives its pages only as images are drawn.
        _drawn = new bool[(int)Math.Min(count, CacheBytesMax / _shape.Elements)];
        _cache = GC.AllocateUninitializedArray<byte>(_drawn.Length * _shape.Elements);
    }

    /// <summary>
    /// The standard images of a size, the same object for all who use them at the same time: what one run has drawn,
    /// another that runs beside it need not draw again.
    /// </summary>
    public static SyntheticImages Standard(SyntheticKind kind, RandomPurpose purpose, int count, int side)
    {
        lock (s_lock)
        {
            if (s_shared.TryGetValue((kind, purpose, count, side), out WeakReference<SyntheticImages>? reference)
                && reference.TryGetTarget(out SyntheticImages? images))
            {
                return images;
            }

            images = new SyntheticImages(0, purpose, count, side, kind);
            s_shared[(kind, purpose, count, side)] = new WeakReference<SyntheticImages>(images);
            return images;
        }
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"synthetic image {index}");

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int index) => _shape;

    /// <inheritdoc/>
    public override void ReadWindow(int index, int top, int left, ImageShape window, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        int drawing = Canvas.ScratchLength(_shape.W);
        Span<float> scratch = ThreadScratch.ForDrawing(drawing + ((_shape.Elements + 3) / 4));
        Span<byte> image;
        if (index >= _drawn.Length)
        {
            image = MemoryMarshal.AsBytes(scratch[drawing..]);
            Draw(index, scratch, image[.._shape.Elements]);
        }
        else
        {
            image = _cache.AsSpan(checked(index * _shape.Elements), _shape.Elements);
            if (!Volatile.Read(ref _drawn[index]))
            {
                Draw(index, scratch, image);
                Volatile.Write(ref _drawn[index], true);
            }
        }

        ImageBlock.CopyBytes(image, _shape, s_table, top, left, window, destination);
    }

    /// <inheritdoc/>
    protected internal override bool CanPack => false;

    /// <inheritdoc/>
    public override void WriteContent(Stream target) => WriteLine(target, string.Create(
        CultureInfo.InvariantCulture,
        $"{(_kind == SyntheticKind.Scenes ? DrawnScenes.Recipe : DeadLeaves.Recipe)} "
        + $"seed {_seed} purpose {(int)_purpose} "
        + $"count {Count} shape {_shape.C} {_shape.H} {_shape.W}"));

    private void Draw(int index, Span<float> scratch, Span<byte> image)
    {
        Philox random = new(_seed, _purpose);
        if (_kind == SyntheticKind.Scenes)
        {
            DrawnScenes.Draw(random, (uint)index, _shape.W, scratch, image);
        }
        else
        {
            DeadLeaves.Draw(random, (uint)index, _shape.W, scratch, image);
        }
    }
}
