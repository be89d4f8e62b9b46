using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Some pairs of another source, side by side: those to train with, or those that are held out.</summary>
/// <remarks>Its content hash is the whole source's: the share is configuration.</remarks>
internal sealed class HeldOut : PairSource
{
    private const int PairsMin = 8;
    private readonly PairSource _source;
    private readonly int _first;

    private HeldOut(PairSource source, int first, int count)
    {
        _source = source;
        _first = first;
        Count = count;
        string part = first == 0 ? "the first" : "held out, the last";
        Description = source.Description is { } description
            ? description with
            {
                Count = count,
                Pairs = string.Create(
                    CultureInfo.InvariantCulture, $"{description.Pairs}; {part} {count} of {source.Count}"),
            }
            : null;
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override ImageShape Shape => _source.Shape;

    /// <inheritdoc/>
    public override bool HasCleanTargets => false;

    /// <inheritdoc/>
    public override string ContentHash => _source.ContentHash;

    /// <inheritdoc/>
    public override bool CanPack => _source.CanPack;

    /// <summary>The pairs to train with: all but the last ones.</summary>
    /// <param name="source">Stored pairs.</param>
    /// <param name="share">Of them; 8 at least, half of them at most.</param>
    /// <exception cref="ConfigurationException">There is only one.</exception>
    public static PairSource Rest(PairSource source, double share) =>
        new HeldOut(source, 0, source.CountOf(source.Pictures - Held(source, share)));

    /// <summary>The last pairs.</summary>
    /// <inheritdoc cref="Rest"/>
    public static PairSource Last(PairSource source, double share)
    {
        int first = source.CountOf(source.Pictures - Held(source, share));
        return new HeldOut(source, first, source.Count - first);
    }

    /// <inheritdoc/>
    public override void Pack(Stream target) => _source.Pack(target);

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        _source.Read(_first + index, epoch, input, target);
    }

    /// <summary>Pictures to hold out.</summary>
    private static int Held(PairSource source, double share) => source.Pictures < 2
        ? throw new ConfigurationException(
            "There is one pair: none can be held out.", "Give more pairs, or hold none out.")
        : Math.Min(Math.Max(PairsMin, (int)Math.Ceiling(share * source.Pictures)), source.Pictures / 2);
}
