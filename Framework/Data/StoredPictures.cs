using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Tiff;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data;

/// <summary>A file of one picture or more, and how results of them are stored as a file of the same kind.</summary>
/// <remarks>
/// Results are stored as the type that was read if that is of 8 or 16 bits without a sign, rounded and clamped to it;
/// else as 32-bit floats, which are neither. Either way in the numbers of the input, whatever the range.
/// </remarks>
public sealed class StoredPictures
{
    private readonly StackAxes? _axes;
    private readonly bool _isArray;

    private StoredPictures(
        IReadOnlyList<StoredPicture> pictures, DataDescription description, StackAxes? axes, bool isArray)
    {
        _isArray = isArray;
        Pictures = pictures;
        Description = description;
        _axes = axes;
    }

    /// <summary>In the order of the file: of hyperstacks the depths of each frame, channels together.</summary>
    public IReadOnlyList<StoredPicture> Pictures { get; }

    /// <summary>What was read.</summary>
    public DataDescription Description { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">PNG, PGM, PPM, TIFF, .npy, or another file of images that training reads.</param>
    /// <param name="low">The stored number that becomes 0; null for the type's own.</param>
    /// <param name="high">The stored number that becomes 1; null for the type's own.</param>
    /// <exception cref="DataException">It is missing, damaged, of no known kind, or holds pairs.</exception>
    /// <exception cref="ConfigurationException">The range is no interval.</exception>
    public static StoredPictures Read(string path, double? low = null, double? high = null)
    {
        ValueRange range = new(low, high);
        ImageContent content = SourceReader.Read(path, new ReadRequest(range, IsValidation: false, IsClean: true));
        if (content.Targets is not null)
        {
            throw new DataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{path} holds {content.Images.Sum(block => block.Images)} pairs of images, not pictures."),
                "Give one side of the pairs.");
        }

        DataDescription description = SourceDescriber.Describe(content, pairs: null, range, noise: null);
        StoredPicture[] pictures =
        [
            .. content.Images.SelectMany(block => Enumerable.Range(0, block.Images)
                .Select(inside => StoredPicture.Of(block, inside, range))),
        ];
        bool isArray = content.Images is [{ Count: not null }];
        return new StoredPictures(pictures, description, content.Axes, isArray);
    }

    /// <summary>
    /// An array [N, H, W] as one picture [C, H, W], which only who knows the channels can tell apart; null if it is
    /// something else.
    /// </summary>
    public StoredPictures? AsChannels()
    {
        StoredPicture first = Pictures[0];
        if (!_isArray || Pictures.Count < 2 || first.Shape.C != 1)
        {
            return null;
        }

        StoredPicture joined = first with
        {
            Shape = first.Shape with { C = Pictures.Count },
            Values = [.. Pictures.SelectMany(picture => picture.Values)],
        };
        return new StoredPictures([joined], Description, axes: null, isArray: true);
    }

    /// <summary>Writes results as TIFF, with the axes of the input.</summary>
    /// <param name="stream">Where they go.</param>
    /// <param name="results">[C, H, W] of each picture, as networks give them.</param>
    /// <returns>How many values did not fit the type, and were clamped.</returns>
    /// <remarks>What may pass 4 GB is BigTIFF.</remarks>
    public long WriteTiff(Stream stream, IReadOnlyList<float[]> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        long clamped = 0;
        ImageShape first = Pictures[0].Shape;
        bool isRgb = first.C == 3 && _axes is not { Channels: > 1 };
        string description = _axes is null && (isRgb || first.C == 1) ? "" : Describe(isRgb ? 1 : first.C);
        bool isBig = TiffEncoder.NeedsBig(
            Pictures.Sum(picture => (long)picture.Shape.C),
            Pictures.Sum(picture => (long)picture.Shape.Elements * BitsOf(picture) / 8));
        TiffEncoder.Write(stream, Pages(), description, isBig);
        return clamped;

        IEnumerable<TiffOutputPage> Pages()
        {
            for (int i = 0; i < Pictures.Count; i++)
            {
                ImageShape shape = Pictures[i].Shape;
                int pixels = shape.H * shape.W;
                for (int c = 0; c < (isRgb ? 1 : shape.C); c++)
                {
                    int channels = isRgb ? shape.C : 1;
                    float[] values = new float[channels * pixels];
                    for (int j = 0; j < values.Length; j++)
                    {
                        values[j] = results[i][((c + (j % channels)) * pixels) + (j / channels)];
                    }

                    byte[] bytes = Store(Pictures[i], values, ref clamped);
                    yield return new TiffOutputPage(shape with { C = channels }, BitsOf(Pictures[i]), bytes);
                }
            }
        }
    }

    /// <summary>Writes results as .npy: [N, C, H, W] without what is 1.</summary>
    /// <param name="stream">Where they go.</param>
    /// <param name="results">[C, H, W] of each picture, as networks give them.</param>
    /// <returns>How many values did not fit the type, and were clamped.</returns>
    /// <exception cref="DataException">Pictures differ in size.</exception>
    public long WriteNpy(Stream stream, IReadOnlyList<float[]> results)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(results);
        StoredPicture first = Pictures[0];
        if (Pictures.Any(picture => picture.Shape != first.Shape))
        {
            throw new DataException("The pictures differ in size: an array cannot hold them.", "Write them as TIFF.");
        }

        int[] sizes = [Pictures.Count, first.Shape.C];
        string shape = string.Join(", ", [.. sizes.Where(size => size > 1), first.Shape.H, first.Shape.W]);
        string type = BitsOf(first) switch { 8 => "|u1", 16 => "<u2", _ => "<f4" };
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}";
        header = header.PadRight(((header.Length + 11 + 63) / 64 * 64) - 11) + "\n";
        stream.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8)]);
        stream.Write(Encoding.Latin1.GetBytes(header));
        long clamped = 0;
        for (int i = 0; i < Pictures.Count; i++)
        {
            stream.Write(Store(Pictures[i], results[i], ref clamped));
        }

        return clamped;
    }

    private static int BitsOf(StoredPicture picture) => picture.IsWhole ? picture.Bits : 32;

    private static byte[] Store(StoredPicture picture, float[] values, ref long clamped)
    {
        if (!picture.IsWhole)
        {
            (double low, double high) = picture.Scale;
            float[] stored = Array.ConvertAll(values, value => (float)((value * (high - low)) + low));
            return MemoryMarshal.AsBytes(stored.AsSpan()).ToArray();
        }

        ushort[] numbers = picture.Store(values, out long outside);
        clamped += outside;
        byte[] bytes = new byte[numbers.Length * picture.Bits / 8];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (picture.Bits == 8)
            {
                bytes[i] = (byte)numbers[i];
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), numbers[i]);
            }
        }

        return bytes;
    }

    /// <summary>ImageJ's description of the axes: it reads channels, depths and frames in this order.</summary>
    private string Describe(int channels)
    {
        int slices = _axes is { IsPlain: false } axes ? axes.Slices : 1;
        int frames = Pictures.Count / slices;
        return _axes is { IsPlain: true }
            ? string.Create(CultureInfo.InvariantCulture, $"ImageJ=1.54f\nimages={frames}\nslices={frames}\n")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"ImageJ=1.54f\nimages={channels * slices * frames}\nchannels={channels}\nslices={slices}\n"
                + $"frames={frames}\nhyperstack=true\nmode=grayscale\n");
    }
}
