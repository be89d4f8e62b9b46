using System.Globalization;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data;

/// <summary>A single picture from a file of any kind that training reads, and how a result of it is stored.</summary>
/// <remarks>
/// A stored number is <c>value (High - Low) + Low</c>. Bytes give 8 bits, all other types 16; what no integer of 16
/// bits can hold (floats, wider integers) fills their range.
/// </remarks>
/// <param name="Shape">Of the picture.</param>
/// <param name="Bits">Of a stored number: 8 or 16.</param>
/// <param name="Low">The stored number of a value of 0.</param>
/// <param name="High">The stored number of a value of 1.</param>
public sealed record StoredPicture(ImageShape Shape, int Bits, double Low, double High)
{
    private const string ShortType = "uint16";
    private float[]? _values;

    /// <summary>All of it, [C, H, W], as a network takes it: read when first asked for, and kept.</summary>
    /// <exception cref="DataException">The file has been changed since.</exception>
    public float[] Values
    {
        get
        {
            if (_values is null)
            {
                float[] values = new float[Shape.Elements];
                Reader(0, 0, Shape, values);
                _values = values;
            }

            return _values;
        }
    }

    /// <summary>Reads a part of it as a network takes it, without the rest.</summary>
    public required PictureReader Reader { get; init; }

    /// <summary>Whether a file has the name of a picture that is read.</summary>
    public static bool HasName(string path) => PictureFiles.HasPictureName(path);

    /// <summary>Whether a file has the name of a picture of a format that is neither read nor written.</summary>
    public static bool HasUnreadName(string path) => UnreadPictures.HasName(path);

    /// <summary>Name of the stored type, as NumPy calls it.</summary>
    public string Type { get; init; } = ShortType;

    /// <summary>What was stored for 0 and for 1: the numbers of a result that is stored as floats.</summary>
    public (double Low, double High) Scale { get; init; } = (0, 1);

    /// <summary>Whether results are stored as whole numbers in files that can hold both.</summary>
    public bool IsWhole => Type is ImageBlock.ByteType or ShortType;

    /// <summary>Bytes of a stored number in files that can hold whole numbers and floats: 1, 2 or 4.</summary>
    public int StoredBytes => IsWhole ? Bits / 8 : sizeof(float);

    /// <summary>Reads a file that holds one picture.</summary>
    /// <param name="path">PNG, PGM, PPM, a TIFF of one page, or a .npy of one image.</param>
    /// <param name="low">The stored number that becomes 0; null for the type's own.</param>
    /// <param name="high">The stored number that becomes 1; null for the type's own.</param>
    /// <exception cref="DataException">It is missing, damaged, of no known kind, or holds more.</exception>
    /// <exception cref="ConfigurationException">The range is no interval.</exception>
    public static StoredPicture Read(string path, double? low = null, double? high = null) =>
        StoredPictures.Read(path, low, high).Pictures is [StoredPicture only]
            ? only
            : throw new DataException($"{path} holds several images, not one picture.", "Read it as a stack.");

    /// <summary>A picture of a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="inside">Which image of it.</param>
    /// <param name="range">Which stored values become 0 and 1.</param>
    /// <param name="table">What bytes become.</param>
    internal static StoredPicture Of(ImageBlock block, int inside, ValueRange range, float[] table)
    {
        bool isByte = block.Type == ImageBlock.ByteType;
        double largest = isByte ? byte.MaxValue : ushort.MaxValue;
        (double Low, double High) scale = range.Bounds ?? (0, block.TypeMaximum ?? 1);
        bool keepsNumbers = range.IsGiven && (isByte || block.Type == ShortType);
        return new StoredPicture(
            block.Shape,
            isByte ? 8 : 16,
            keepsNumbers ? scale.Low : 0,
            keepsNumbers ? scale.High : largest)
        {
            Reader = (top, left, part, values) => block.ReadWindow(inside, table, top, left, part, values),
            Type = block.Type,
            Scale = scale,
        };
    }

    /// <summary>Values as whole numbers of the input's kind: rounded, and clamped to <see cref="Bits"/>.</summary>
    /// <param name="values">In any order.</param>
    /// <param name="clamped">How many were more than half a number outside.</param>
    public ushort[] Store(ReadOnlySpan<float> values, out long clamped)
    {
        ushort[] numbers = new ushort[values.Length];
        double largest = Bits == 8 ? byte.MaxValue : ushort.MaxValue;
        clamped = 0;
        for (int i = 0; i < numbers.Length; i++)
        {
            double stored = (values[i] * (High - Low)) + Low;
            clamped += stored < -0.5 || stored > largest + 0.5 ? 1 : 0;
            numbers[i] = (ushort)Math.Round(Math.Clamp(stored, 0, largest), MidpointRounding.AwayFromZero);
        }

        return numbers;
    }
}
