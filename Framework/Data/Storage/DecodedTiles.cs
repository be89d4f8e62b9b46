namespace Distributed.Framework.Data.Storage;

/// <summary>Where compressed tiles come from.</summary>
internal interface ITileDecoder
{
    /// <summary>Decompresses one.</summary>
    byte[] Decode(int tile);
}

/// <summary>Compressed tiles that were decompressed last, of all data together.</summary>
/// <remarks>Safe from many threads; two that ask for one tile at once may both decompress it.</remarks>
internal sealed class DecodedTiles
{
    /// <summary>Most memory that they take, in bytes; one tile may be larger.</summary>
    public const long BytesMax = 64L << 20;

    /// <summary>Decompressed bytes from one collection of what is no longer kept to the next.</summary>
    private const long CollectedBytes = 32L << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<(ITileDecoder, int), LinkedListNode<Kept>> _found = [];
    private readonly LinkedList<Kept> _newestFirst = [];
    private long _bytes;
    private long _sinceCollection;

    /// <summary>Those of this process.</summary>
    public static DecodedTiles Shared { get; } = new();

    /// <summary>A tile, decompressed now if it has to be.</summary>
    public byte[] Get(ITileDecoder decoder, int tile)
    {
        lock (_lock)
        {
            if (_found.TryGetValue((decoder, tile), out LinkedListNode<Kept>? node))
            {
                _newestFirst.Remove(node);
                _newestFirst.AddFirst(node);
                return node.Value.Bytes;
            }
        }

        byte[] bytes = decoder.Decode(tile);
        Keep(decoder, tile, bytes);
        return bytes;
    }

    /// <summary>Keeps a tile that has been decompressed elsewhere.</summary>
    public void Keep(ITileDecoder decoder, int tile, byte[] bytes)
    {
        bool collects;
        lock (_lock)
        {
            if (!_found.ContainsKey((decoder, tile)))
            {
                _found.Add((decoder, tile), _newestFirst.AddFirst(new Kept(decoder, tile, bytes)));
                _bytes += bytes.Length;
            }

            while (_bytes > BytesMax && _newestFirst.Count > 1)
            {
                Kept oldest = _newestFirst.Last!.Value;
                _newestFirst.RemoveLast();
                _found.Remove((oldest.Decoder, oldest.Tile));
                _bytes -= oldest.Bytes.Length;
            }

            _sinceCollection += bytes.Length;
            collects = _sinceCollection > CollectedBytes;
            _sinceCollection = collects ? 0 : _sinceCollection;
        }

        if (collects)
        {
            // Large arrays are left lying for long otherwise: as much again as is kept, and more.
            GC.Collect();
        }
    }

    private sealed record Kept(ITileDecoder Decoder, int Tile, byte[] Bytes);
}
