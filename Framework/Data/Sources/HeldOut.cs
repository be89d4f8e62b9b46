using System.Globalization;
using System.Text.RegularExpressions;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Some pairs of another source, side by side: those to train with, or those that are held out.</summary>
/// <remarks>
/// Whole pictures, the last ones, as long as the share is one of them or more; else the lower rows of each
/// (<see cref="RowSplit"/>). The content hash of what is trained with is the whole source's: the share is
/// configuration. That of what is held out tells as well how much it is, where pictures have several windows.
/// </remarks>
internal sealed partial class HeldOut : PairSource
{
    /// <summary>The least that is held out, if that is half of all at most.</summary>
    public const int WindowsMin = 8;

    private readonly PairSource _source;
    private readonly int _first;
    private readonly int _firstPicture;
    private string? _contentHash;

    /// <param name="source">Where the pairs come from.</param>
    /// <param name="first">The first one of them.</param>
    /// <param name="count">How many.</param>
    /// <param name="pictures">Of how many pictures they are.</param>
    /// <param name="isClean">Whether targets are clean, which no stored pair says of itself.</param>
    /// <param name="part">What they are, in words.</param>
    private HeldOut(PairSource source, int first, int count, int pictures, bool isClean, string part)
    {
        _source = source;
        _first = first;
        _firstPicture = first == 0 ? 0 : source.Pictures - pictures;
        Count = count;
        Pictures = pictures;
        HasCleanTargets = isClean;
        Content = source.Content;
        Description = source.Description is { } description
            ? description with
            {
                Count = pictures,
                Pairs = $"{description.Pairs}; {part}",
                Windows = description.Windows is { } windows
                    ? PassPattern().Replace(
                        windows, string.Create(CultureInfo.InvariantCulture, $", {count} a pass"))
                    : null,
            }
            : null;
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override int Pictures { get; }

    /// <inheritdoc/>
    internal override int CountOf(int pictures) => Math.Min(_source.CountOf(pictures), Count);

    /// <inheritdoc/>
    public override bool HasWholes => _source.HasWholes;

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int picture) => _source.ShapeOf(_firstPicture + picture);

    /// <inheritdoc/>
    public override void ReadWhole(int picture, Span<float> input, Span<float> target) =>
        _source.ReadWhole(_firstPicture + picture, input, target);

    /// <inheritdoc/>
    public override ImageShape Shape => _source.Shape;

    /// <inheritdoc/>
    public override bool HasCleanTargets { get; }

    /// <inheritdoc/>
    public override bool MasksTargets => _source.MasksTargets;

    /// <inheritdoc/>
    public override string ContentHash
    {
        get
        {
            if (_contentHash is null)
            {
                _contentHash = _first == 0 || _source.Count == _source.Pictures
                    ? _source.ContentHash
                    : ContentStream.Hash(stream => ImageSet.WriteLine(
                        stream, string.Create(CultureInfo.InvariantCulture, $"{_source.ContentHash} last {Count}")));
            }

            return _contentHash;
        }
    }

    /// <inheritdoc/>
    public override PackedContent? Packed => _source.Packed;

    /// <summary>The pairs to train with: all but the last ones.</summary>
    /// <param name="source">Pairs of images.</param>
    /// <param name="share">Of the pictures; 8 windows at least, half of the pictures at most.</param>
    /// <exception cref="ConfigurationException">There is only one.</exception>
    public static PairSource Rest(PairSource source, double share)
    {
        int pictures = source.Pictures - Held(source, share);
        string part = Words("the first", pictures, source.Pictures);
        return new HeldOut(source, 0, source.CountOf(pictures), pictures, source.HasCleanTargets, part);
    }

    /// <summary>The last pairs.</summary>
    /// <param name="source">Pairs of images.</param>
    /// <param name="share">Of the pictures; 8 windows at least, half of the pictures at most.</param>
    /// <param name="isClean">Whether targets are clean.</param>
    /// <exception cref="ConfigurationException">There is only one.</exception>
    public static PairSource Last(PairSource source, double share, bool isClean)
    {
        int pictures = Held(source, share);
        int first = source.CountOf(source.Pictures - pictures);
        string part = Words("held out, the last", pictures, source.Pictures);
        return new HeldOut(source, first, source.Count - first, pictures, isClean, part);
    }

    /// <summary>Pairs of pictures that are cut in two already.</summary>
    /// <param name="source">Made of one part of each picture.</param>
    /// <param name="isClean">Whether targets are clean.</param>
    /// <param name="part">Which part, in words.</param>
    public static PairSource Rows(PairSource source, bool isClean, string part) =>
        new HeldOut(source, 0, source.Count, source.Pictures, isClean, part);

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        _source.Read(_first + index, epoch, input, target);
    }

    /// <inheritdoc/>
    public override ImageShape? WindowShape => _source.WindowShape;

    /// <inheritdoc/>
    public override void ReadWindow(int index, int epoch, Span<float> window) =>
        _source.ReadWindow(_first + index, epoch, window);

    /// <inheritdoc/>
    public override void Split(
        int index, int epoch, ReadOnlySpan<float> window, Span<float> first, Span<float> second) =>
        _source.Split(_first + index, epoch, window, first, second);

    /// <inheritdoc/>
    public override float? SigmaOf(int index, int epoch) => _source.SigmaOf(_first + index, epoch);

    /// <inheritdoc/>
    public override void MaskTarget(int index, int epoch, ReadOnlySpan<float> prediction, Span<float> target) =>
        _source.MaskTarget(_first + index, epoch, prediction, target);

    private static string Words(string part, int count, int all) =>
        string.Create(CultureInfo.InvariantCulture, $"{part} {count} of {all}");

    /// <summary>Pictures to hold out.</summary>
    private static int Held(PairSource source, double share)
    {
        int pictures = source.Pictures;
        if (pictures < 2)
        {
            throw new ConfigurationException(
                "There is one pair, and it is too small to be cut in two: none can be held out.",
                "Give more pairs, or hold none out.");
        }

        int held = Math.Max(1, (int)Math.Ceiling(share * pictures));
        while (held < pictures / 2 && source.Count - source.CountOf(pictures - held) < WindowsMin)
        {
            held++;
        }

        return Math.Min(held, pictures / 2);
    }

    [GeneratedRegex(", [0-9]+ a pass$")]
    private static partial Regex PassPattern();
}
