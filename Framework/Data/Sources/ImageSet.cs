using System.Text;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>A set of single images: clean ones that noise is added to, or one side of a set of pairs.</summary>
/// <remarks>Reading is safe from many threads; it allocates nothing once a thread has read its first image.</remarks>
public abstract class ImageSet
{
    private string? _contentHash;

    /// <summary>Number of images.</summary>
    public abstract int Count { get; }

    /// <summary>SHA-256 over what <see cref="WriteContent"/> writes: 64 hexadecimal digits.</summary>
    public string ContentHash
    {
        get
        {
            if (_contentHash is null)
            {
                _contentHash = ContentStream.Hash(WriteContent);
            }

            return _contentHash;
        }
    }

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
    public virtual bool CanPack => true;

    /// <summary>Writes type, shape and bytes (of a generated set: the recipe): what is hashed, and packed.</summary>
    public abstract void WriteContent(Stream target);

    /// <summary>Writes a line of text.</summary>
    protected static void WriteLine(Stream target, string line)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.Write(Encoding.UTF8.GetBytes(line + "\n"));
    }

    /// <summary>Cuts a window out of bytes and converts it.</summary>
    /// <param name="image">[C, H, W].</param>
    /// <param name="shape">C, H and W of the image.</param>
    /// <param name="table">What each byte becomes.</param>
    /// <param name="top">The window's first row.</param>
    /// <param name="left">The window's first column.</param>
    /// <param name="window">Shape of the window.</param>
    /// <param name="destination">[C, H, W] of the window, overwritten.</param>
    private protected static void CopyBytes(
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
}
