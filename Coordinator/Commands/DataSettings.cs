using System.CommandLine;
using Distributed.Framework.Data;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Commands;

/// <summary>The options of <c>train</c> that say where pairs come from, and what is done to them.</summary>
internal sealed class DataSettings
{
    private const int SideMax = 1 << 16;

    /// <summary>Which training data.</summary>
    public Option<string?> Source { get; } = StrictOptions.Text(
        "--data", "SOURCE",
        "Training data: scenes, synthetic, disc, or a file or folder (PNG, TIFF, PPM, .npy, .npz, IDX, CIFAR-10, "
        + "torch.save) [scenes; synthetic for other models than the default]");

    /// <summary>All of them, in the order of the help.</summary>
    public IReadOnlyList<Setting> All =>
    [
        OfData(Source, (data, source) => data with { Source = source }),
        OfData(
            StrictOptions.Text(
                "--validation", "SOURCE",
                "(noisy, clean) pairs or clean images to measure with [the training's own test set, if it has one]"),
            (data, source) => data with { Validation = source }),
        OfData(
            StrictOptions.Number(
                "--holdout",
                "Without --validation: share of the pairs, the last ones, kept from training and measured with; "
                + "0 for none [0.05]",
                value => value is >= 0 and <= 0.5,
                "0 to 0.5"),
            (data, share) => data with { Holdout = share }),
        Setting.Of(
            StrictOptions.Flag(
                "--validation-noisy", "The validation pairs are noisy on both sides: their PSNR is estimated"),
            configuration => configuration with { NoisyValidation = true }),
        OfData(
            StrictOptions.Noise(
                "--noise",
                "Noise for clean images: gaussian:S, correlated:S[,BLUR], poisson:PEAK, bernoulli:P, impulse:P, "
                + "text:P or resample:K; S, PEAK and P also as LO-HI [gaussian:5-50; for synthetic gaussian:25]"),
            (data, noise) => data with { Noise = noise }),
        OfData(
            StrictOptions.Flag("--noise-fixed", "Keep each image's noise and window in every epoch"),
            data => data with { NoiseFixed = true }),
        OfData(
            StrictOptions.OneOf("--targets", ["noisy", "clean"], "Train towards noisy or clean images [noisy]"),
            (data, targets) => data with { CleanTargets = targets == "clean" }),
        OfData(
            StrictOptions.Flag(
                "--augment", "Flip, rotate and swap training pairs at random [so without --model; else not]"),
            data => data with { Augment = true }),
        OfData(
            StrictOptions.Flag("--no-augment", "Leave training pairs as they are"),
            data => data with { Augment = false }),
        OfData(
            StrictOptions.WholeNumber(
                "--crop", "Side of the window cut from each image [64 if sizes differ or exceed 64]", 1, SideMax),
            (data, side) => data with { Crop = side }),
        OfData(
            StrictOptions.OneOf(
                "--windows", [DataOptions.OneWindow, DataOptions.CoveringWindows],
                "Windows of each image in a pass: one, or as many as have its area [cover]"),
            (data, windows) => data with { Windows = windows }),
        OfData(
            StrictOptions.Two(
                "--range", "LO:HI", ':', "Stored values that become 0 and 1 [0 and the type's maximum; floats stay]",
                (low, high) => low < high, "two finite numbers, the lower one first, as in 0:4095"),
            (data, range) => data with { RangeLow = range.First, RangeHigh = range.Second }),
        OfData(
            StrictOptions.OneOf(
                "--pairs", [DataOptions.AlternatePairs, DataOptions.NextPairs, DataOptions.NeighborPairs],
                "Pairs of a stack are frames 2k and 2k+1, or k and k+1; of single noisy pictures, neighbouring pixels "
                + "[alternate]"),
            (data, pairs) => data with { Pairs = pairs }),
        OfData(
            StrictOptions.WholeNumber("--limit", "Only the first N pairs [all]", 1),
            (data, limit) => data with { Limit = limit }),
        Setting.Of(
            StrictOptions.Flag("--no-shuffle", "Keep the source's order"),
            configuration => configuration with { Shuffle = false }),
    ];

    private static Setting OfData(Option<string?> option, Func<DataOptions, string, DataOptions> change) =>
        Setting.Of(option, (configuration, value) =>
            configuration with { Data = change(configuration.Data, value) });

    private static Setting OfData<T>(Option<T?> option, Func<DataOptions, T, DataOptions> change)
        where T : struct =>
        Setting.Of(option, (configuration, value) =>
            configuration with { Data = change(configuration.Data, value) });

    private static Setting OfData(Option<bool> option, Func<DataOptions, DataOptions> change) =>
        Setting.Of(option, configuration => configuration with { Data = change(configuration.Data) });
}
