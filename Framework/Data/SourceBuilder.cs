using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Data;

/// <summary>Makes pairs of what was read: as stored, by noise, of neighbouring pixels, or with classes.</summary>
internal static class SourceBuilder
{
    private const uint StandardSeed = 0;
    private const string NoiseAdvice = "Name a noise model, for example --noise gaussian:25 or --noise resample:2; "
        + "or --pairs neighbors, if they are noisy themselves.";

    /// <summary>Whether pairs are neighbouring pixels: in what is trained with, and what is held out.</summary>
    internal static bool AreNeighbors(DataOptions options, bool isValidation) =>
        options.Pairs == DataOptions.NeighborPairs && (!isValidation || DataSources.HoldsOut(options));

    internal static PairSource Build(
        DataOptions options,
        ImageContent content,
        string source,
        bool isValidation,
        Func<PairSource, DataDescription>? describe)
    {
        ValueRange range = new(options.RangeLow, options.RangeHigh);
        ImageSet images = new BlockImages(content.Images, range);
        ImageSet? targets = content.Targets is null ? null : new BlockImages(content.Targets, range);
        bool areNeighbors = AreNeighbors(options, isValidation);
        if (areNeighbors)
        {
            CheckSingle(options, content, source);
            options = options with { Noise = null };
        }
        else if (targets is null && content.Labels is null)
        {
            options = options with { Noise = options.Noise ?? options.NoiseIfClean };
        }

        int shrink = areNeighbors ? NeighborSource.Cell
            : options.Noise is null ? 1 : NoiseModel.Parse(options.Noise).Shrink;
        options = options with { Crop = options.Crop ?? LargestWindow(images, options, shrink) };
        PairTreatment treatment = TreatmentOf(options, isValidation);
        bool arePairs = areNeighbors || targets is not null || options.Noise is not null;
        RowSplit? split = DataSources.HoldsOut(options) && arePairs
            ? FindSplit(options, images, treatment, shrink)
            : null;
        PairSource part = Build(
            options,
            content,
            split is null ? images : split.Part(images, isValidation),
            split is null || targets is null ? targets : split.Part(targets, isValidation),
            treatment,
            source);
        part.Description = describe?.Invoke(part);
        if (split is null)
        {
            return part;
        }

        bool isClean = isValidation ? HoldsClean(options, part) : part.HasCleanTargets;
        return HeldOut.Rows(part, isClean, split.Words(images, isValidation));
    }

    /// <summary>The side that <see cref="DataOptions.CropStep"/> asks for; null without it, or if none fits.</summary>
    private static int? LargestWindow(ImageSet images, DataOptions options, int shrink)
    {
        if (options.CropStep is not { } step)
        {
            return null;
        }

        int side = Enumerable.Range(0, images.Count).Select(images.ShapeOf)
            .Aggregate(DataOptions.ScenesCrop, (least, shape) => Math.Min(least, Math.Min(shape.H, shape.W) / shrink));
        return side >= step ? side / step * step : null;
    }

    /// <summary>How large pictures are cut in two; null for whole ones.</summary>
    private static RowSplit? FindSplit(
        DataOptions options, ImageSet images, PairTreatment treatment, int shrink)
    {
        if (!treatment.Covers)
        {
            return null;
        }

        return RowSplit.Find(
            images,
            Math.Min(options.Limit ?? images.Count, images.Count),
            new CropWindow(images, treatment, shrink).Source,
            options.Holdout!.Value);
    }

    /// <summary>Whether what is held out has clean targets.</summary>
    internal static bool HoldsClean(DataOptions options, PairSource pairs) =>
        options.CleanTargets || pairs is NoisyPairSource;

    private static PairSource Build(
        DataOptions options,
        ImageContent content,
        ImageSet images,
        ImageSet? targets,
        PairTreatment treatment,
        string source)
    {
        if (AreNeighbors(options, treatment.IsValidation))
        {
            return new NeighborSource(images, treatment);
        }

        if (targets is not null)
        {
            if (!treatment.IsValidation)
            {
                RefuseNoise(options, source, "it holds pairs already");
            }

            return new StoredPairSource(images, targets, treatment);
        }

        if (options.Noise is not null)
        {
            return new NoisyPairSource(images, NoiseModel.Parse(options.Noise), treatment);
        }

        if (content.Labels is null)
        {
            throw new ConfigurationException($"{source} holds clean images; they need noise.", NoiseAdvice);
        }

        RefuseNoise(options, source, "it holds images and their classes");
        return new LabelledSource(images, content.Labels, content.ClassCount, treatment);
    }

    /// <summary>Refuses what neighbouring pixels are no pairs of, and options that would go unheard.</summary>
    private static void CheckSingle(DataOptions options, ImageContent content, string source)
    {
        if (content.Targets is not null || content.Labels is not null)
        {
            throw new ConfigurationException(
                $"--pairs neighbors does not apply to {source}: it holds "
                + (content.Labels is null ? "pairs already." : "images and their classes."),
                "Leave --pairs out.");
        }

        if (options.CleanTargets)
        {
            throw new ConfigurationException(
                "--targets clean does not apply to --pairs neighbors: it has no clean images.",
                "Leave --targets out.");
        }

        if (options.NoiseFixed || (options.Noise is not null && options.Validation is null))
        {
            throw new ConfigurationException(
                $"--noise does not apply to --pairs neighbors: the images of {source} are noisy themselves.",
                "Leave --noise and --noise-fixed out; or, if they are clean, leave --pairs out.");
        }
    }

    internal static void RefuseNoise(DataOptions options, string source, string why)
    {
        if (options.Noise is not null || options.NoiseFixed)
        {
            throw new ConfigurationException(
                $"--noise does not apply to {source}: {why}.", "Leave --noise and --noise-fixed out.");
        }
    }

    internal static PairTreatment TreatmentOf(DataOptions options, bool isValidation) => new(
        options.Crop,
        isValidation ? StandardSeed : options.Seed,
        isValidation,
        options.NoiseFixed,
        options.CleanTargets,
        options.Augment,
        options.Windows == DataOptions.CoveringWindows && (!isValidation || DataSources.HoldsOut(options)),
        options.MeasuresWhole && isValidation && !DataSources.HoldsOut(options));
}
