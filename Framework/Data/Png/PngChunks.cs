using System.Buffers.Binary;
using System.Text;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data.Png;

/// <summary>The chunks of a PNG file that matter for its pixels, checked as they are read.</summary>
/// <remarks>Of the pixels' data no more than a piece is in memory.</remarks>
internal sealed class PngChunks
{
    private const int PieceBytes = 1 << 16;
    private const int ChunksMax = 1 << 20;
    private readonly Stream _stream;
    private readonly string _place;
    private readonly byte[] _piece = new byte[PieceBytes];
    private int _count;

    /// <summary>Of the chunk at hand.</summary>
    private string _type = "";
    private int _left;
    private uint _checksum;

    private PngChunks(Stream stream, string place)
    {
        _stream = stream;
        _place = place;
        Data = new DataStream(this);
    }

    /// <summary>IHDR's data.</summary>
    public byte[] Header { get; private set; } = [];

    /// <summary>PLTE's data, or nothing.</summary>
    public byte[] Palette { get; private set; } = [];

    /// <summary>All IDAT data, one after the other.</summary>
    public Stream Data { get; }

    /// <summary>More data than these bytes cannot come.</summary>
    public long DataBytesMax { get; private set; }

    /// <summary>Reads up to the first data.</summary>
    /// <param name="stream">At the signature; can tell its length.</param>
    /// <param name="place">What messages call it.</param>
    /// <exception cref="DataException">Not a PNG file, truncated, or damaged.</exception>
    public static PngChunks Read(Stream stream, string place)
    {
        PngChunks chunks = new(stream, place);
        Span<byte> signature = stackalloc byte[8];
        chunks.ReadExactly(signature);
        if (!signature.SequenceEqual(PngFormat.Signature))
        {
            throw new DataException(
                $"{place} is no PNG file: it begins with other bytes.", "Convert the picture to PNG.");
        }

        chunks.FindData();
        chunks.DataBytesMax = stream.Length - stream.Position;
        return chunks;
    }

    /// <summary>Reads the rest, up to and with IEND.</summary>
    /// <exception cref="DataException">It is truncated or damaged.</exception>
    public void End()
    {
        while (_type != "IEND")
        {
            ReadRest();
            FindData();
        }
    }

    /// <summary>Goes on to the next IDAT chunk, or to the end.</summary>
    private void FindData()
    {
        Span<byte> start = stackalloc byte[8];
        do
        {
            ReadExactly(start);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(start);
            _type = Encoding.Latin1.GetString(start[4..]);
            if (length > int.MaxValue || (_count == 0) != (_type == "IHDR"))
            {
                throw Damaged($"chunk {_count} has no possible length or type");
            }

            if (++_count > ChunksMax)
            {
                throw Damaged("it has too many chunks");
            }

            _left = (int)length;
            _checksum = Crc32.Append(start[4..]);
            if (_type == "IHDR")
            {
                Header = ReadRest();
            }
            else if (_type == "PLTE")
            {
                Palette = ReadRest();
            }
            else if (_type != "IDAT")
            {
                ReadRest();
                if (_type != "IEND" && char.IsAsciiLetterUpper(_type[0]))
                {
                    throw Damaged($"chunk {_type} is unknown, and needed for its pixels");
                }
            }
        }
        while (_type is not ("IDAT" or "IEND"));
    }

    /// <summary>The rest of the chunk at hand, as far as it is of a size that is of use.</summary>
    private byte[] ReadRest()
    {
        byte[] kept = [];
        while (_left > 0)
        {
            int count = ReadPart(_piece);
            kept = kept.Length == 0 ? _piece[..Math.Min(count, 1 << 10)] : kept;
        }

        CheckEnd();
        return kept;
    }

    /// <summary>Some of the chunk at hand.</summary>
    private int ReadPart(Span<byte> target)
    {
        target = target[..Math.Min(_left, target.Length)];
        ReadExactly(target);
        _checksum = Crc32.Append(target, _checksum);
        _left -= target.Length;
        return target.Length;
    }

    private void CheckEnd()
    {
        Span<byte> stored = stackalloc byte[4];
        ReadExactly(stored);
        if (BinaryPrimitives.ReadUInt32BigEndian(stored) != _checksum)
        {
            throw Damaged($"chunk {_type} does not match its checksum");
        }
    }

    private void ReadExactly(Span<byte> buffer)
    {
        if (_stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
        {
            throw Damaged("it ends too early");
        }
    }

    private DataException Damaged(string why) =>
        new($"{_place} is a damaged PNG file: {why}.", "Copy or export the picture again.");

    private sealed class DataStream(PngChunks chunks) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            while (chunks._left == 0 && chunks._type == "IDAT")
            {
                chunks.CheckEnd();
                chunks.FindData();
            }

            return chunks._type == "IDAT" ? chunks.ReadPart(buffer) : 0;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
