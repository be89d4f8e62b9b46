using System.Buffers.Binary;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data;

/// <summary>A file that results are written to, part by part, in any order. Safe from many threads.</summary>
public sealed class PictureOutput
{
    private readonly Lock _lock = new();
    private readonly Stream _stream;
    private readonly IReadOnlyList<StoredPicture> _pictures;
    private readonly IReadOnlyList<long> _starts;

    /// <summary>Of each picture, which start is its first.</summary>
    private readonly int[] _firsts;
    private readonly bool _isInterleaved;
    private readonly bool _isBigEndian;
    private readonly bool _isWhole;
    private long _clamped;

    /// <param name="stream">Can be sought in.</param>
    /// <param name="pictures">What the results are of, and how they are stored.</param>
    /// <param name="starts">Where pixels begin: of each picture, or of each channel of each.</param>
    /// <param name="isInterleaved">Whether the channels of a pixel lie together.</param>
    /// <param name="isBigEndian">Whether a number's upper byte comes first.</param>
    /// <param name="isWhole">Whether even floats are stored as whole numbers.</param>
    internal PictureOutput(
        Stream stream,
        IReadOnlyList<StoredPicture> pictures,
        IReadOnlyList<long> starts,
        bool isInterleaved,
        bool isBigEndian = false,
        bool isWhole = false)
    {
        _stream = stream;
        _pictures = pictures;
        _starts = starts;
        _firsts = new int[pictures.Count];
        for (int i = 1; i < _firsts.Length; i++)
        {
            _firsts[i] = _firsts[i - 1] + (isInterleaved ? 1 : pictures[i - 1].Shape.C);
        }

        _isInterleaved = isInterleaved;
        _isBigEndian = isBigEndian;
        _isWhole = isWhole;
    }

    /// <summary>Values that did not fit the type, and were clamped.</summary>
    public long Clamped => Interlocked.Read(ref _clamped);

    /// <summary>Writes a part of a result.</summary>
    /// <param name="picture">Which one.</param>
    /// <param name="top">Its first row.</param>
    /// <param name="left">Its first column.</param>
    /// <param name="part">Shape of the part, with all channels.</param>
    /// <param name="values">[C, H, W] of the part, as a network gives them.</param>
    public void Write(int picture, int top, int left, ImageShape part, ReadOnlySpan<float> values)
    {
        StoredPicture of = _pictures[picture];
        int together = _isInterleaved ? part.C : 1;
        byte[] bytes = Convert(of, part, values);
        int rows = part.C / together * part.H;
        int rowBytes = bytes.Length / rows;
        lock (_lock)
        {
            for (int row = 0; row < rows; row++)
            {
                long pixel = ((long)(top + (row % part.H)) * of.Shape.W) + left;
                _stream.Position = _starts[_firsts[picture] + (row / part.H)] + (pixel * rowBytes / part.W);
                _stream.Write(bytes, row * rowBytes, rowBytes);
            }
        }
    }

    /// <summary>Numbers as they are stored, [C, H, W] or [H, W, C].</summary>
    private byte[] Convert(StoredPicture of, ImageShape part, ReadOnlySpan<float> values)
    {
        int numberBytes = _isWhole ? of.Bits / 8 : of.StoredBytes;
        int together = _isInterleaved ? part.C : 1;
        int pixels = part.H * part.W;
        byte[] bytes = new byte[part.Elements * numberBytes];
        long clamped = 0;
        ushort[] numbers = numberBytes <= sizeof(ushort) ? of.Store(values, out clamped) : [];
        Interlocked.Add(ref _clamped, clamped);
        (double low, double high) = of.Scale;
        for (int i = 0; i < part.Elements; i++)
        {
            int at = (together == 1 ? i : (i % pixels * together) + (i / pixels)) * numberBytes;
            Span<byte> target = bytes.AsSpan(at, numberBytes);
            switch (numberBytes)
            {
                case 1:
                    target[0] = (byte)numbers[i];
                    break;
                case 2 when _isBigEndian:
                    BinaryPrimitives.WriteUInt16BigEndian(target, numbers[i]);
                    break;
                case 2:
                    BinaryPrimitives.WriteUInt16LittleEndian(target, numbers[i]);
                    break;
                default:
                    BinaryPrimitives.WriteSingleLittleEndian(target, (float)((values[i] * (high - low)) + low));
                    break;
            }
        }

        return bytes;
    }
}
