using System.Buffers.Binary;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Pnm;

/// <summary>A picture as it is stored.</summary>
/// <param name="Shape">Of the picture.</param>
/// <param name="Maximum">What its numbers are divided by.</param>
/// <param name="Bytes">[H, W, C] if the maximum is 255; else empty.</param>
/// <param name="Floats">[H, W, C] for any other maximum; else empty.</param>
internal sealed record PnmSamples(ImageShape Shape, int Maximum, byte[] Bytes, float[] Floats);

/// <summary>Reads PGM and PPM pictures: grey and RGB, as text (P2, P3) or bytes (P5, P6), 8 or 16 bits.</summary>
/// <remarks>
/// Header: mark, width, height, largest value, between blanks and comments from # to the end of the line; one blank;
/// pixels from the top left, channels together; two bytes a value, upper first, if the largest is above 255. A value is
/// divided by the picture's largest, which stands for the type's maximum. Source: Netpbm, pgm(5) and ppm(5).
/// </remarks>
internal ref struct PnmDecoder
{
    private const int SideMax = 1 << 20;
    private readonly ReadOnlySpan<byte> _file;
    private readonly string _place;
    private int _position;

    private PnmDecoder(ReadOnlySpan<byte> file, string place)
    {
        _file = file;
        _place = place;
        _position = 2;
    }

    /// <summary>Whether a file begins like one of these, or like a bitmap of the family.</summary>
    public static bool Begins(ReadOnlySpan<byte> start) =>
        start is [(byte)'P', >= (byte)'1' and <= (byte)'6', var next, ..] && (IsBlank(next) || next == '#');

    /// <summary>Reads a picture.</summary>
    /// <exception cref="DataException">It is damaged, or black and white only.</exception>
    public static PnmSamples Decode(ReadOnlySpan<byte> file, string place)
    {
        if (!Begins(file))
        {
            throw FileFaults.Damaged(place, "it does not begin like a PGM or PPM file");
        }

        if (file[1] is (byte)'1' or (byte)'4')
        {
            throw new DataException(
                $"{place} is a bitmap of black and white pixels.", "Convert it to PGM, PPM or PNG.");
        }

        return new PnmDecoder(file, place).Decode();
    }

    private static bool IsBlank(byte value) => value is (byte)' ' or >= 9 and <= 13;

    private PnmSamples Decode()
    {
        bool isText = _file[1] is (byte)'2' or (byte)'3';
        int channels = _file[1] is (byte)'3' or (byte)'6' ? 3 : 1;
        int width = ReadNumber(SideMax);
        int height = ReadNumber(SideMax);
        int maximum = ReadNumber(ushort.MaxValue);
        if (width == 0 || height == 0 || maximum == 0)
        {
            throw FileFaults.Damaged(_place, "width, height or largest value is 0");
        }

        if (!isText && (_position >= _file.Length || !IsBlank(_file[_position++])))
        {
            throw FileFaults.Damaged(_place, "no blank follows its header");
        }

        // As text a value takes two bytes: a digit and a blank, but for the last.
        int valueBytes = isText || maximum > byte.MaxValue ? 2 : 1;
        long values = (long)width * height * channels;
        if (values * valueBytes > _file.Length - _position + (isText ? 1 : 0))
        {
            throw FileFaults.Damaged(_place, $"{width} x {height} pixels do not fit into its bytes");
        }

        ImageShape shape = new(channels, height, width);
        if (maximum == byte.MaxValue)
        {
            byte[] bytes = new byte[values];
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)ReadValue(isText, maximum);
            }

            return new PnmSamples(shape, maximum, bytes, []);
        }

        float[] floats = new float[values];
        for (int i = 0; i < floats.Length; i++)
        {
            floats[i] = ReadValue(isText, maximum);
        }

        return new PnmSamples(shape, maximum, [], floats);
    }

    private int ReadValue(bool isText, int maximum)
    {
        int value;
        if (isText)
        {
            value = ReadNumber(maximum);
        }
        else if (maximum > byte.MaxValue)
        {
            value = BinaryPrimitives.ReadUInt16BigEndian(_file[_position..]);
            _position += 2;
        }
        else
        {
            value = _file[_position++];
        }

        return value <= maximum
            ? value
            : throw FileFaults.Damaged(_place, $"a value is {value}, above the largest, {maximum}");
    }

    /// <summary>Passes over blanks and comments, then reads digits.</summary>
    private int ReadNumber(int largest)
    {
        while (_position < _file.Length && (IsBlank(_file[_position]) || _file[_position] == '#'))
        {
            if (_file[_position] == '#')
            {
                int end = _file[_position..].IndexOf((byte)'\n');
                _position = end < 0 ? _file.Length : _position + end;
                continue;
            }

            _position++;
        }

        int start = _position;
        int number = 0;
        while (_position < _file.Length && char.IsAsciiDigit((char)_file[_position]))
        {
            number = (number * 10) + (_file[_position++] - '0');
            if (number > largest)
            {
                throw FileFaults.Damaged(_place, $"a number is above {largest}");
            }
        }

        return _position > start ? number : throw FileFaults.Damaged(_place, "a number is missing");
    }
}
