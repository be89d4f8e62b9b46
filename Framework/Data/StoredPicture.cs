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
/// <param name="Values">[C, H, W], as a network takes them.</param>
/// <param name="Bits">Of a stored number: 8 or 16.</param>
/// <param name="Low">The stored number of a value of 0.</param>
/// <param name="High">The stored number of a value of 1.</param>
public sealed record StoredPicture(ImageShape Shape, float[] Values, int Bits, double Low, double High)
{
    private const string ShortType = "uint16";

    /// <summary>Whether a file has the name of a picture that is read.</summary>
    public static bool HasName(string path) => PictureFiles.HasPictureName(path);

    /// <summary>Whether a file has the name of a picture that is no PNG, be it read or not.</summary>
    public static bool HasOtherName(string path) =>
        (HasName(path) && !IsNamedPng(path)) || UnreadPictures.HasName(path);

    /// <summary>Whether a file has the name of a PNG picture.</summary>
    public static bool IsNamedPng(string path) => path.EndsWith(".png", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a file that holds one picture.</summary>
    /// <param name="path">PNG, PGM, PPM, a TIFF of one page, or a .npy of one image.</param>
    /// <param name="low">The stored number that becomes 0; null for the type's own.</param>
    /// <param name="high">The stored number that becomes 1; null for the type's own.</param>
    /// <exception cref="DataException">It is missing, damaged, of no known kind, or holds more.</exception>
    /// <exception cref="ConfigurationException">The range is no interval.</exception>
    public static StoredPicture Read(string path, double? low = null, double? high = null)
    {
        ValueRange range = new(low, high);
        ImageContent content = SourceReader.Read(path, new ReadRequest(range, IsValidation: false, IsClean: true));
        int images = content.Images.Sum(block => block.Images);
        if (images != 1 || content.Targets is not null)
        {
            string pairs = content.Targets is null ? "images" : "pairs of images";
            throw new DataException(
                string.Create(CultureInfo.InvariantCulture, $"{path} holds {images} {pairs}, not one picture."),
                "Split it into files of one picture each; of .npy give [H, W], [1, C, H, W] or [1, H, W, C].");
        }

        ImageBlock block = content.Images[0];
        float[] values = new float[block.Shape.Elements];
        block.ReadWindow(0, range.ByteTable(), top: 0, left: 0, block.Shape, values);
        bool isByte = block.Type == ImageBlock.ByteType;
        double largest = isByte ? byte.MaxValue : ushort.MaxValue;
        bool keepsNumbers = range.IsGiven && (isByte || block.Type == ShortType);
        return new StoredPicture(
            block.Shape, values, isByte ? 8 : 16, keepsNumbers ? low!.Value : 0, keepsNumbers ? high!.Value : largest);
    }
}
