using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Data.Pickle;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Data;

/// <summary>Opens the sources that options name, told apart by their content.</summary>
/// <remarks>
/// Validation: the named source, or the synthetic validation set if training is synthetic, or none (null). Stored pairs
/// named for validation are taken as (noisy, clean); clean images get the training's noise model. Validation images,
/// noise and windows are the same in every run, whatever its seed, so that results compare. The synthetic images do not
/// depend on the run's seed either. A noise model that shrinks by K gets synthetic images of K times the side.
/// </remarks>
public static class DataSources
{
    private const uint StandardSeed = 0;
    private const string NoiseAdvice = "Name a noise model, for example --noise gaussian:25 or --noise resample:2.";

    private static ReadOnlySpan<byte> PngStart => [0x89, (byte)'P', (byte)'N', (byte)'G'];

    /// <summary>Opens the training source.</summary>
    /// <exception cref="DataException">A file is missing, damaged or of the wrong kind.</exception>
    /// <exception cref="ConfigurationException">The options do not fit the source.</exception>
    public static PairSource OpenTraining(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        PairSource source = Open(options, options.Source, isValidation: false);
        return options.Limit is { } limit ? new LimitedSource(source, limit) : source;
    }

    /// <summary>Opens the training source from a packed file, in which it came from elsewhere.</summary>
    /// <param name="options">As they were for the source that was packed; its name and place don't matter.</param>
    /// <param name="path">Of the file.</param>
    /// <param name="hash">The source's content hash.</param>
    /// <exception cref="DataException">The file is not the one of this hash, or damaged.</exception>
    /// <exception cref="ConfigurationException">The options do not fit the source.</exception>
    public static PairSource OpenPacked(DataOptions options, string path, string hash)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<PackedPart> parts = PackedFile.Read(path, hash);
        ValueRange range = new(options.RangeLow, options.RangeHigh);
        PairSource source = parts is [{ Count: not null }, { Count: not null }]
            ? new StoredPairSource(
                new PackedImages([parts[0]], path, range),
                new PackedImages([parts[1]], path, range),
                options.Crop,
                options.Seed,
                isValidation: false)
            : WithNoise(
                options, new PackedImages(parts, path, range), RequireNoise(options, path), isValidation: false);
        return options.Limit is { } limit ? new LimitedSource(source, limit) : source;
    }

    /// <summary>Opens the validation source; null if there is none.</summary>
    /// <exception cref="DataException">A file is missing, damaged or of the wrong kind.</exception>
    /// <exception cref="ConfigurationException">The options do not fit the source.</exception>
    public static PairSource? OpenValidation(DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string? source = options.Validation ?? (options.Source == DataOptions.Synthetic ? DataOptions.Synthetic : null);
        return source is null ? null : Open(options, source, isValidation: true);
    }

    private static PairSource Open(DataOptions options, string source, bool isValidation)
    {
        ValueRange range = new(options.RangeLow, options.RangeHigh);
        if (source == DataOptions.Synthetic)
        {
            if (range.IsGiven && options.Source == DataOptions.Synthetic)
            {
                throw new ConfigurationException(
                    "--range does not apply to synthetic: its values are within 0 and 1.", "Leave --range out.");
            }

            NoiseModel noise = NoiseModel.Parse(options.Noise ?? DataOptions.SyntheticNoise);
            return WithNoise(options, SyntheticImages(noise, isValidation), noise, isValidation);
        }

        if (Directory.Exists(source) || IsPng(source))
        {
            NoiseModel noise = RequireNoise(options, source);
            return WithNoise(options, new FolderImages(source, range), noise, isValidation);
        }

        return TorchFile.IsTorchFile(source)
            ? OpenTensors(options, source, range, isValidation)
            : throw new DataException(
                $"{source} is of no known kind.",
                "Known are: synthetic, files of torch.save, PNG pictures and folders of them.");
    }

    private static SyntheticImages SyntheticImages(NoiseModel noise, bool isValidation) =>
        Sources.SyntheticImages.Standard(
            isValidation ? RandomPurpose.SyntheticValidation : RandomPurpose.SyntheticTraining,
            isValidation ? Sources.SyntheticImages.ValidationCount : Sources.SyntheticImages.TrainingCount,
            Sources.SyntheticImages.StandardSide * noise.Shrink);

    private static PairSource OpenTensors(DataOptions options, string path, ValueRange range, bool isValidation)
    {
        PickleValue value = TorchFile.Load(path);
        if (value is TorchTensor single)
        {
            NoiseModel noise = RequireNoise(options, path);
            return WithNoise(options, new TensorImages(single, path, range), noise, isValidation);
        }

        IReadOnlyList<PickleValue>? items = (value as PickleTuple)?.Items ?? (value as PickleList)?.Items;
        if (items is not { Count: 2 } || items[0] is not TorchTensor first || items[1] is not TorchTensor second)
        {
            string kinds = string.Join(", ", (items ?? []).Take(4).Select(item => item.Kind));
            string found = items is null ? value.Kind : $"{value.Kind}: {kinds}";
            throw new DataException(
                $"{path} holds {found}.", "Save a tuple of two tensors, N x C x H x W: inputs and targets.");
        }

        if (!isValidation && (options.Noise is not null || options.NoiseFixed))
        {
            throw new ConfigurationException(
                $"--noise does not apply to {path}: it holds pairs already.", "Leave --noise and --noise-fixed out.");
        }

        TensorImages inputs = new(first, $"{path}, first tensor", range);
        TensorImages targets = new(second, $"{path}, second tensor", range);
        return new StoredPairSource(
            inputs, targets, options.Crop, isValidation ? StandardSeed : options.Seed, isValidation);
    }

    private static NoisyPairSource WithNoise(
        DataOptions options, ImageSet images, NoiseModel noise, bool isValidation) =>
        isValidation
            ? NoisyPairSource.ForValidation(images, noise, options.Crop, StandardSeed)
            : NoisyPairSource.ForTraining(images, noise, options.Crop, options.Seed, options.NoiseFixed);

    private static NoiseModel RequireNoise(DataOptions options, string source) =>
        options.Noise is null
            ? throw new ConfigurationException($"{source} holds clean images; they need noise.", NoiseAdvice)
            : NoiseModel.Parse(options.Noise);

    private static bool IsPng(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            Span<byte> start = stackalloc byte[PngStart.Length];
            return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
                && start.SequenceEqual(PngStart);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataException(
                $"{path}: {exception.Message}", "Check that it exists and may be read.", exception);
        }
    }
}
