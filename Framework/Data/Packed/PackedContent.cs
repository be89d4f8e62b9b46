using System.Security.Cryptography;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Packed;

/// <summary>
/// What a source packs, read from anywhere in it: values come from where they are, and no copy is made. Safe from many
/// threads.
/// </summary>
public sealed class PackedContent
{
    private readonly Action<Stream> _write;
    private readonly Lazy<List<(long Start, byte[] Line, ImageBlock? Block)>> _parts;
    private readonly Lock _lock = new();
    private string? _hash;
    private PackedIndex? _index;

    /// <param name="write">Writes it; values of blocks may go to a <see cref="ContentRecorder"/> instead.</param>
    internal PackedContent(Action<Stream> write)
    {
        _write = write;

        // What fails is tried again: files may be back by then.
        _parts = new Lazy<List<(long Start, byte[] Line, ImageBlock? Block)>>(
            FindParts, LazyThreadSafetyMode.PublicationOnly);
    }

    /// <summary>Bytes of all.</summary>
    public long Length => _parts.Value is [.., var last]
        ? last.Start + (last.Block?.ContentBytes ?? last.Line.Length)
        : 0;

    /// <summary>SHA-256 over all: 64 hexadecimal digits. Reads everything, once.</summary>
    /// <exception cref="DataException">A file cannot be read, or is another one by now.</exception>
    public string Hash
    {
        get
        {
            lock (_lock)
            {
                return _hash ??= ContentStream.Hash(_write);
            }
        }
    }

    /// <summary>By what blocks of it are told to be right. Reads everything, once, as the hash does.</summary>
    /// <exception cref="DataException">As for the hash.</exception>
    public PackedIndex Index
    {
        get
        {
            lock (_lock)
            {
                if (_index is null)
                {
                    using BlockHashes hashes = new();
                    _hash = ContentStream.Hash(_write, hashes);
                    _index = PackedIndex.Of(_parts.Value.Where(part => part.Block is null).Select(part => part.Line),
                        hashes.End());
                }

                return _index;
            }
        }
    }

    /// <summary>Writes all of it.</summary>
    public void WriteTo(Stream target) => _write(target);

    /// <summary>Reads some.</summary>
    /// <param name="offset">Of the first byte.</param>
    /// <param name="target">Overwritten, all of it.</param>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside.</exception>
    /// <exception cref="DataException">A file cannot be read, or is another one by now.</exception>
    public void Read(long offset, Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - target.Length);
        List<(long Start, byte[] Line, ImageBlock? Block)> parts = _parts.Value;
        int at = parts.FindLastIndex(part => part.Start <= offset);
        while (target.Length > 0)
        {
            (long start, byte[] line, ImageBlock? block) = parts[at++];
            long end = at < parts.Count ? parts[at].Start : Length;
            int count = (int)Math.Min(target.Length, end - offset);
            if (block is null)
            {
                line.AsSpan((int)(offset - start), count).CopyTo(target);
            }
            else
            {
                block.ReadContent(offset - start, target[..count]);
            }

            target = target[count..];
            offset += count;
        }
    }

    private List<(long Start, byte[] Line, ImageBlock? Block)> FindParts()
    {
        List<(long Start, byte[] Line, ImageBlock? Block)> parts = [];
        long length = 0;
        using ContentRecorder recorder = new((line, block) =>
        {
            parts.Add((length, line, block));
            length += block?.ContentBytes ?? line.Length;
        });
        _write(recorder);
        return parts;
    }

    /// <summary>Takes what is packed and hashes each block of it.</summary>
    private sealed class BlockHashes : Checkpoints.WriteOnlyStream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly MemoryStream _hashes = new();
        private int _inside;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (buffer.Length > 0)
            {
                int count = Math.Min(buffer.Length, PackedIndex.BlockBytes - _inside);
                _hash.AppendData(buffer[..count]);
                buffer = buffer[count..];
                _inside += count;
                if (_inside == PackedIndex.BlockBytes)
                {
                    Next();
                }
            }
        }

        /// <summary>The hashes of all blocks, one behind the other.</summary>
        public byte[] End()
        {
            if (_inside > 0)
            {
                Next();
            }

            return _hashes.ToArray();
        }

        protected override void Dispose(bool disposing)
        {
            _hash.Dispose();
            base.Dispose(disposing);
        }

        private void Next()
        {
            _hashes.Write(_hash.GetHashAndReset());
            _inside = 0;
        }
    }
}
