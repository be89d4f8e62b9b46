using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Storage;
using Distributed.Framework.Data.Synthetic;
using Distributed.Framework.Errors;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Data;

/// <summary>Opens the sources that options name, told apart by their content.</summary>
/// <remarks>
/// Validation: the named source; else, if some are held out, the last pairs of the training's (clean images get
/// noise as for validation; of stored pairs PSNR is estimated, unless their targets are said to be clean); else the
/// validation set that belongs to the training's (of synthetic, disc, and folders with a test set), or none (null).
/// Stored pairs named for validation are taken as (noisy, clean); clean images get the training's noise model.
/// Images with classes are for a classifier, unless noise is asked for: then they are clean
/// images. Validation images, noise and windows are the same in every run, whatever its seed, so that results compare.
/// The synthetic images do not depend on the run's seed either; the points of disc do. A noise model that shrinks by K
/// gets synthetic images of K times the side.
/// </remarks>
public static class DataSources
{
    /// <summary>Whether a source is made from numbers alone, anywhere: it needs no file and no packing.</summary>
    public static bool IsGenerated(string source) =>
        source is DataOptions.Synthetic or DataOptions.Scenes or DataOptions.Disc;

    /// <summary>Opens the training source.</summary>
    /// <param name="options">Which, and how.</param>
    /// <param name="opened">One that was opened before: what it was read from is not read again.</param>
    /// <exception cref="DataException">A file is missing, damaged or of the wrong kind.</exception>
    /// <exception cref="ConfigurationException">The options do not fit the source.</exception>
    public static PairSource OpenTraining(DataOptions options, PairSource? opened = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Limited(options, Open(options, options.Source, isValidation: false, opened?.Content));
    }

    /// <summary>Packed data up to this size are read into memory when they are opened, in bytes.</summary>
    private const long PackedInMemoryMax = 64 << 20;

    /// <summary>Opens the training source from packed data that come from elsewhere.</summary>
    /// <remarks>Small ones are waited for and read now; of others what a window needs, whenever it does.</remarks>
    /// <param name="options">As they were for the source that was packed; its name and place don't matter.</param>
    /// <param name="blocks">The data.</param>
    /// <param name="hash">The source's content hash.</param>
    /// <exception cref="DataException">They are damaged.</exception>
    /// <exception cref="ConfigurationException">The options do not fit the source.</exception>
    /// <exception cref="OperationCanceledException">The blocks are given up.</exception>
    public static PairSource OpenPacked(DataOptions options, BlockCache blocks, string hash)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(blocks);
        long length = blocks.Index.Length;
        bool isInMemory = length <= PackedInMemoryMax && DataMemory.Of(options).Takes(length);
        if (isInMemory)
        {
            blocks.WantAll(); // At once: part after part, each would wait for its own.
        }

        ImageContent content = PackedFile.Open(blocks.Index, blocks.Bytes, isInMemory);
        PairSource source = Limited(
            options, SourceBuilder.Build(options, content, options.Source, isValidation: false, describe: null));
        source.CheckedHash = hash;
        return source;
    }

    /// <summary>Where validation pairs come from; null if there are none.</summary>
    public static string? ValidationOf(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        bool hasOwn = HoldsOut(options) || IsGenerated(options.Source) || SourceReader.HasTestSet(options.Source);
        return options.Validation ?? (hasOwn ? options.Source : null);
    }

    /// <summary>Opens the validation source; null if there is none.</summary>
    /// <param name="options">Which, and how.</param>
    /// <param name="opened">One that was opened before: what it was read from is not read again.</param>
    /// <param name="isWhole">Whether whole pictures will be measured, which may then be of any size.</param>
    /// <exception cref="DataException">A file is missing, damaged or of the wrong kind.</exception>
    /// <exception cref="ConfigurationException">The options do not fit the source.</exception>
    public static PairSource? OpenValidation(DataOptions options, PairSource? opened = null, bool isWhole = false)
    {
        if (ValidationOf(options) is not { } source)
        {
            return null;
        }

        options = options with { MeasuresWhole = isWhole };
        PairSource pairs = Open(options, source, isValidation: true, opened?.Content);
        if (!HoldsOut(options))
        {
            return pairs;
        }

        PairSource limited = options.Limit is { } limit ? new LimitedSource(pairs, limit) : pairs;
        return pairs is HeldOut
            ? limited
            : HeldOut.Last(limited, options.Holdout!.Value, SourceBuilder.HoldsClean(options, pairs));
    }

    /// <summary>
    /// One line about pictures in the folders of training and validation that are of a format that is not read; null
    /// if there are none.
    /// </summary>
    /// <exception cref="DataException">A folder may not be read.</exception>
    public static string? PassedOver(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string[] lines =
        [
            .. new[] { options.Source, options.Validation }
                .Distinct()
                .Where(source => source is not null && !IsGenerated(source))
                .Select(source => UnreadPictures.Describe(source!))
                .OfType<string>(),
        ];
        return lines.Length == 0 ? null : string.Join(' ', lines);
    }

    /// <summary>Options by which windows cover the images of a training, if nobody said how many there are.</summary>
    /// <param name="options">As the source was opened with.</param>
    /// <param name="training">What was opened.</param>
    /// <returns>The same if somebody did, or no image has two windows or more.</returns>
    /// <exception cref="DataException">The source cannot be opened again.</exception>
    public static PairSource WithCoveringWindows(ref DataOptions options, PairSource training)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(training);
        if (options.Windows is not null || training.Description?.Windows is null)
        {
            return training;
        }

        DataOptions covering = options with { Windows = DataOptions.CoveringWindows };
        PairSource covered = OpenTraining(covering, training);
        if (covered.Count == training.Count)
        {
            return training;
        }

        options = covering;
        return covered;
    }

    /// <summary>Options with the range that the values themselves suggest, if nobody gave one.</summary>
    /// <param name="options">As the source was opened with.</param>
    /// <param name="training">What was opened.</param>
    /// <returns>The same if a range was given, or the values leave a doubt.</returns>
    public static DataOptions WithRangeOf(DataOptions options, PairSource training)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(training);
        return options.RangeLow is null
            && training.Description is { AreCounts: true, SuggestedRange: { } range }
            ? options with { RangeLow = range.Low, RangeHigh = range.High }
            : options;
    }

    /// <summary>Options by which a share is held out, if nobody said how much and nothing else is there.</summary>
    /// <param name="options">As the source was opened with, windows and all.</param>
    /// <param name="training">What was opened.</param>
    /// <returns>The same if somebody did, if there is a validation set, or if targets are classes; a share of 0 if
    /// there is too little to be divided.</returns>
    public static DataOptions WithHoldout(DataOptions options, PairSource training)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(training);
        if (options.Holdout is not null || training.ClassCount > 0 || ValidationOf(options) is not null)
        {
            return options;
        }

        DataOptions holding = options with { Holdout = DataOptions.StandardHoldout };
        bool isEnough = training.Count >= DataOptions.HoldoutWindowsMin
            && (training.Pictures > 1 || OpenHolding(holding, training) is not null);
        return isEnough ? holding : options with { Holdout = 0 };

        static PairSource? OpenHolding(DataOptions holding, PairSource training)
        {
            try
            {
                return OpenTraining(holding, training);
            }
            catch (ConfigurationException)
            {
                return null; // One picture, too low to be cut.
            }
        }
    }

    /// <summary>Whether the pairs to validate with are kept from training.</summary>
    public static bool HoldsOut(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Holdout > 0 && options.Validation is null;
    }

    private static PairSource Limited(DataOptions options, PairSource source)
    {
        PairSource limited = options.Limit is { } limit ? new LimitedSource(source, limit) : source;
        if (!HoldsOut(options) || source is HeldOut)
        {
            return limited;
        }

        return source is StoredPairSource or NeighborSource
            || (source is NoisyPairSource && !IsGenerated(options.Source))
            ? HeldOut.Rest(limited, options.Holdout!.Value)
            : throw new ConfigurationException(
                $"--holdout does not apply to {options.Source}: it has a validation set, or its images have classes.",
                "Leave --holdout out.");
    }

    private static PairSource Open(DataOptions options, string source, bool isValidation, ReadContent? opened)
    {
        ValueRange range = new(options.RangeLow, options.RangeHigh);
        if (IsGenerated(source) && range.IsGiven && IsGenerated(options.Source))
        {
            throw new ConfigurationException(
                $"--range does not apply to {source}: its values are what they are.", "Leave --range out.");
        }

        if (options.Pairs is not null && IsGenerated(source) && !isValidation)
        {
            throw RefusePairs(options, source);
        }

        if (source is DataOptions.Synthetic or DataOptions.Scenes)
        {
            return OpenDrawn(options, source == DataOptions.Scenes, isValidation);
        }

        if (source == DataOptions.Disc)
        {
            SourceBuilder.RefuseNoise(options, source, "it holds points and their classes");
            return new DiscSource(options.Seed, isTest: isValidation);
        }

        bool areOthers = isValidation && !HoldsOut(options);
        bool areSingle = options.Noise is not null || SourceBuilder.AreNeighbors(options, isValidation);
        ReadRequest request = ReadRequest.Of(options, range, areOthers, areSingle);
        ImageContent content = opened?.IsOf(source, request) == true
            ? opened.Content
            : SourceReader.Read(source, request);
        if (options.Pairs is DataOptions.AlternatePairs or DataOptions.NextPairs && !isValidation && !content.AreFrames)
        {
            throw RefusePairs(options, source);
        }

        PairSource pairs = SourceBuilder.Build(
            options,
            content,
            source,
            isValidation,
            part => SourceDescriber.Describe(content, part, range, options.Noise));
        pairs.Content = new ReadContent(source, request, content);
        return pairs;
    }

    private static ConfigurationException RefusePairs(DataOptions options, string source) => new(
        $"--pairs {options.Pairs} does not apply to {source}: "
            + (options.Pairs == DataOptions.NeighborPairs
                ? "its images are made without noise." : "it holds no stack of frames, or they are clean images."),
        "Leave --pairs out.");

    private static NoisyPairSource OpenDrawn(DataOptions options, bool isScenes, bool isValidation)
    {
        NoiseModel noise = NoiseModel.Parse(
            options.Noise ?? (isScenes ? DataOptions.ScenesNoise : DataOptions.SyntheticNoise));
        RandomPurpose purpose =
            isValidation ? RandomPurpose.SyntheticValidation : RandomPurpose.SyntheticTraining;
        if (!isScenes)
        {
            SyntheticImages leaves = SyntheticImages.Standard(
                SyntheticKind.DeadLeaves,
                purpose,
                isValidation ? SyntheticImages.ValidationCount : SyntheticImages.TrainingCount,
                SyntheticImages.StandardSide * noise.Shrink);
            return new NoisyPairSource(leaves, noise, SourceBuilder.TreatmentOf(options, isValidation));
        }

        // Whole pictures are validated with; what a network learns from is cut from smaller ones.
        int side = isValidation ? SyntheticImages.ValidationSceneSide : SyntheticImages.SceneSide;
        SyntheticImages scenes = SyntheticImages.Standard(
            SyntheticKind.Scenes,
            purpose,
            isValidation ? SyntheticImages.ValidationSceneCount : SyntheticImages.SceneCount,
            side * noise.Shrink);
        int crop = isValidation ? side : options.Crop ?? DataOptions.ScenesCrop;
        options = options with { Crop = crop };
        return new NoisyPairSource(scenes, noise, SourceBuilder.TreatmentOf(options, isValidation));
    }
}
