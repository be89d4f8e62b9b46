using System.Globalization;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Sources;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary>The pairs of a run.</summary>
/// <param name="Training">To train with.</param>
/// <param name="Validation">To validate with; null for nothing.</param>
internal sealed record RunData(PairSource Training, PairSource? Validation)
{
    private DataOptions? _options;
    private bool _isNoisy;

    /// <summary>The configuration's options, with the range and the windows that the data suggest.</summary>
    public required DataOptions Options { get; init; }

    /// <summary>What to say of the data, a line each.</summary>
    public required IReadOnlyList<string> Lines { get; init; }

    /// <summary>Opens what a configuration names.</summary>
    /// <exception cref="ReportedException">It is missing or damaged, or the sizes differ.</exception>
    public static RunData Open(RunConfiguration configuration)
    {
        PairSource training = DataSources.OpenTraining(configuration.Data);
        List<string> lines = [];
        DataOptions options = configuration.Data;
        if (configuration.DataHash.Length == 0 && DataSources.WithRangeOf(options, training) is var ranged
            && ranged != options)
        {
            (double Low, double High) range = (ranged.RangeLow!.Value, ranged.RangeHigh!.Value);
            lines.Add(DataLines.Taken(options.Source, training.Description!, range));
            options = ranged;
            training = DataSources.OpenTraining(options);
        }

        if (configuration.DataHash.Length == 0)
        {
            options = WithRecipe(options, training, lines);
            training = DataSources.WithCoveringWindows(ref options, training);
            training = HoldOut(ref options, training);
        }

        PairSource? validation = DataSources.OpenValidation(options, training);
        string?[] opened =
        [
            DataLines.Opened(options.Source, training),
            validation is null ? null : DataLines.Opened(DataSources.ValidationOf(options)!, validation),
        ];
        lines.AddRange(opened.OfType<string>());
        if (training.WindowShape is not null)
        {
            lines.Add("Pairs are neighbouring pixels: noise that neighbours share, as after Bayer interpolation, JPEG "
                + "or scaling, will not be removed (docs/data.md).");
        }

        if (options.Holdout == 0 && configuration.Data.Holdout is null)
        {
            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"Nothing is measured: {training.Count} windows are too few to hold some out, at least "
                + $"{DataOptions.HoldoutWindowsMin} are needed. --holdout SHARE holds some out nevertheless."));
        }

        if (validation is not null && configuration.NoisyValidation && !DataSources.HoldsOut(options))
        {
            CheckStoredPairs(validation, "--validation-noisy", DataSources.ValidationOf(configuration.Data));
            validation = new NoisyTargets(validation);
        }

        return validation is null || validation.Shape == training.Shape || validation is NoisyPairSource
            ? new RunData(training, validation)
            {
                Options = options,
                Lines = lines,
                _options = configuration.Data,
                _isNoisy = configuration.NoisyValidation,
            }
            : throw new ConfigurationException(
                $"Validation images are {validation.Shape}, training images {training.Shape}.",
                "Give images of one size, or --crop N.");
    }

    /// <summary>What the recipe left to the data: noise for clean pictures, and the window.</summary>
    private static DataOptions WithRecipe(DataOptions options, PairSource training, List<string> lines)
    {
        if (DataSources.IsGenerated(options.Source))
        {
            return options;
        }

        if (options.Noise is null && training is NoisyPairSource)
        {
            lines.Add($"{options.Source} holds single pictures: they are taken as clean, and noise is added "
                + $"({options.NoiseIfClean}; --noise chooses another).");
            options = options with { Noise = options.NoiseIfClean };
        }

        return options.CropStep is null ? options : options with { Crop = training.Shape.H };
    }

    /// <summary>Keeps some pairs to measure with, where there are no others.</summary>
    private static PairSource HoldOut(ref DataOptions options, PairSource training)
    {
        DataOptions holding = DataSources.WithHoldout(options, training);
        if (holding == options)
        {
            return training;
        }

        options = holding;
        return DataSources.HoldsOut(holding) ? DataSources.OpenTraining(holding, training) : training;
    }

    /// <summary>Whether a configuration names just these.</summary>
    public bool IsOf(RunConfiguration configuration) =>
        configuration.Data == _options && configuration.NoisyValidation == _isNoisy;

    /// <summary>Refuses to take targets for noisy that are known not to be.</summary>
    /// <exception cref="ConfigurationException">They are clean images, or classes.</exception>
    public static void CheckStoredPairs(PairSource source, string option, string? name)
    {
        if (source is not StoredPairSource)
        {
            throw new ConfigurationException(
                $"{option} does not apply to {name}: its images are clean and their noise is made, "
                + "or they have classes.",
                $"Leave {option} out, or give a file of (noisy, noisy) pairs.");
        }
    }
}
