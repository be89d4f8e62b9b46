using System.Text;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>A set of single images: clean ones that noise is added to, or one side of a set of pairs.</summary>
/// <remarks>Reading is safe from many threads; it allocates nothing once a thread has read its first image.</remarks>
public abstract class ImageSet
{
    private PackedContent? _content;

    /// <summary>Number of images.</summary>
    public abstract int Count { get; }

    /// <summary>SHA-256 over what <see cref="WriteContent"/> writes: 64 hexadecimal digits.</summary>
    public string ContentHash => Content.Hash;

    /// <summary>What it takes to open the set elsewhere; null if it is made from numbers.</summary>
    public PackedContent? Packed => CanPack ? Content : null;

    /// <summary>What messages call an image.</summary>
    public abstract string NameOf(int index);

    /// <summary>Shape of one image; all have the same channels.</summary>
    public abstract ImageShape ShapeOf(int index);

    /// <summary>Writes a window of an image.</summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <param name="top">Row of the window's first row.</param>
    /// <param name="left">Column of the window's first column.</param>
    /// <param name="window">Shape of the window, inside the image.</param>
    /// <param name="destination">[C, H, W] of the window, overwritten.</param>
    public abstract void ReadWindow(int index, int top, int left, ImageShape window, Span<float> destination);

    /// <summary>Whether what WriteContent writes is all that it takes to open the set elsewhere.</summary>
    protected internal virtual bool CanPack => true;

    /// <summary>Whether all images have one shape and are kept as one tensor.</summary>
    public virtual bool IsOneTensor => false;

    /// <summary>Writes type, shape and bytes (of a generated set: the recipe): what is hashed, and packed.</summary>
    public abstract void WriteContent(Stream target);

    private PackedContent Content => _content ??= new PackedContent(WriteContent);

    /// <summary>Writes a line of text.</summary>
    internal static void WriteLine(Stream target, string line)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.Write(Encoding.UTF8.GetBytes(line + "\n"));
    }
}
