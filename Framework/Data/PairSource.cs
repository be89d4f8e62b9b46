using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data;

/// <summary>A set of (input, target) image pairs: what a denoiser trains on, or is validated with.</summary>
/// <remarks>
/// A pair is a function of (index, epoch) alone. Reading is safe from many threads and allocates nothing.
/// Values are floats, usually within [0, 1]; layout is [C, H, W].
/// </remarks>
public abstract class PairSource
{
    /// <summary>Number of pairs.</summary>
    public abstract int Count { get; }

    /// <summary>Shape of every input and of every target.</summary>
    public abstract ImageShape Shape { get; }

    /// <summary>Whether targets are clean, so that PSNR against them is the true one.</summary>
    public abstract bool HasCleanTargets { get; }

    /// <summary>
    /// SHA-256 over decoded type, shape and bytes (or over the recipe, if generated): 64 hexadecimal digits.
    /// </summary>
    public abstract string ContentHash { get; }

    /// <summary>Whether <see cref="Pack"/> writes all that it takes to open the source elsewhere.</summary>
    public virtual bool CanPack => false;

    /// <summary>
    /// Writes what <see cref="ContentHash"/> covers; DataSources.OpenPacked opens it, with the same options.
    /// </summary>
    public virtual void Pack(Stream target) => throw new NotSupportedException("A generated source needs no packing.");

    /// <summary>Writes one pair.</summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <param name="epoch">Selects fresh noise and crops; sources that have neither ignore it.</param>
    /// <param name="input">[C, H, W], overwritten.</param>
    /// <param name="target">[C, H, W], overwritten.</param>
    public abstract void Read(int index, int epoch, Span<float> input, Span<float> target);
}
