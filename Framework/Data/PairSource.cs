using Distributed.Framework.Data.Packed;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data;

/// <summary>A set of (input, target) pairs: two images for a denoiser, an image and its class for a classifier.
/// </summary>
/// <remarks>
/// A pair is a function of (index, epoch) alone. Reading is safe from many threads and allocates nothing.
/// Values are floats, usually within [0, 1]; layout is [C, H, W].
/// </remarks>
public abstract class PairSource
{
    /// <summary>What was opened; null for sources that are made, or were opened in another way.</summary>
    public DataDescription? Description { get; internal set; }

    /// <summary>What was read, to be opened otherwise without reading it again; null as Description.</summary>
    internal ReadContent? Content { get; set; }

    /// <summary>Number of pairs.</summary>
    public abstract int Count { get; }

    /// <summary>Of the first pictures, the pairs of a pass: several if windows cover them.</summary>
    /// <param name="pictures">How many; at least 1.</param>
    internal virtual int CountOf(int pictures) => Math.Min(pictures, Count);

    /// <summary>Pictures that the pairs are cut from.</summary>
    public virtual int Pictures => Count;

    /// <summary>Whether some picture is larger than a pair, so that whole ones say more.</summary>
    public virtual bool HasWholes => false;

    /// <summary>Shape of a whole picture, as input and as target.</summary>
    public virtual ImageShape ShapeOf(int picture) => Shape;

    /// <summary>Writes a whole picture and its target, with the noise of epoch 0, as it is.</summary>
    /// <param name="picture">0 to Pictures - 1.</param>
    /// <param name="input">[C, H, W] of ShapeOf, overwritten.</param>
    /// <param name="target">[C, H, W] of ShapeOf, overwritten.</param>
    public virtual void ReadWhole(int picture, Span<float> input, Span<float> target) =>
        Read(picture, 0, input, target);

    /// <summary>Shape of every input.</summary>
    public abstract ImageShape Shape { get; }

    /// <summary>Shape of every target: that of the inputs, or [K, 1, 1] for one of K classes.</summary>
    public virtual ImageShape TargetShape => Shape;

    /// <summary>K if targets are classes, one-hot (1 at the class, 0 elsewhere); 0 if they are images.</summary>
    public virtual int ClassCount => 0;

    /// <summary>Whether targets are clean, so that PSNR against them is the true one.</summary>
    public abstract bool HasCleanTargets { get; }

    /// <summary>
    /// SHA-256 over decoded type, shape and bytes (or over the recipe, if generated): 64 hexadecimal digits.
    /// </summary>
    public abstract string ContentHash { get; }

    /// <summary>
    /// What <see cref="ContentHash"/> covers, if that is all that it takes to open the source elsewhere, by
    /// DataSources.OpenPacked with the same options; null for generated sources.
    /// </summary>
    public virtual PackedContent? Packed => null;

    /// <summary>
    /// Hash of the content of which each part is checked when it is read, as it is fetched from elsewhere; null if
    /// <see cref="ContentHash"/> is to be looked at.
    /// </summary>
    internal string? CheckedHash { get; set; }

    /// <summary>Writes one pair.</summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <param name="epoch">Selects fresh noise and crops; sources that have neither ignore it.</param>
    /// <param name="input">[C, H, W], overwritten.</param>
    /// <param name="target">TargetShape, overwritten.</param>
    public abstract void Read(int index, int epoch, Span<float> input, Span<float> target);

    /// <summary>Shape of the windows that both images of a pair are taken of; null for pairs of their own.</summary>
    public virtual ImageShape? WindowShape => null;

    /// <summary>Writes the window that a pair is taken of; only where there is a <see cref="WindowShape"/>.</summary>
    /// <param name="index">As for Read.</param>
    /// <param name="epoch">As for Read.</param>
    /// <param name="window">[C, H, W] of WindowShape, overwritten.</param>
    public virtual void ReadWindow(int index, int epoch, Span<float> window) =>
        throw new NotSupportedException("These pairs are not taken of windows.");

    /// <summary>Takes of any image of WindowShape the pixels that Read takes of the window.</summary>
    /// <param name="index">As for Read.</param>
    /// <param name="epoch">As for Read.</param>
    /// <param name="window">[C, H, W] of WindowShape.</param>
    /// <param name="first">Those of the input, [C, H, W], overwritten.</param>
    /// <param name="second">Those of the target, overwritten.</param>
    public virtual void Split(
        int index, int epoch, ReadOnlySpan<float> window, Span<float> first, Span<float> second) =>
        throw new NotSupportedException("These pairs are not taken of windows.");

    /// <summary>
    /// Standard deviation of the noise that an input was given; null if it was given none, or none of one level.
    /// </summary>
    /// <param name="index">As for Read.</param>
    /// <param name="epoch">As for Read.</param>
    public virtual float? SigmaOf(int index, int epoch) => null;

    /// <summary>
    /// Whether some elements of some targets say nothing, so that <see cref="MaskTarget"/> must be called before a
    /// loss.
    /// </summary>
    public virtual bool MasksTargets => false;

    /// <summary>
    /// Replaces the elements of a target that say nothing by the prediction: an error of 0 with a gradient of 0 under
    /// every loss that compares element by element, so that they don't count.
    /// </summary>
    /// <param name="index">As for Read.</param>
    /// <param name="epoch">As for Read.</param>
    /// <param name="prediction">What the model makes of the input, TargetShape.</param>
    /// <param name="target">As Read wrote it; changed.</param>
    /// <remarks>A function of (index, epoch) and its arguments; safe from many threads, allocates nothing.</remarks>
    public virtual void MaskTarget(int index, int epoch, ReadOnlySpan<float> prediction, Span<float> target)
    {
    }
}
