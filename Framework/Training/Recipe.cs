using Distributed.Framework.Data;
using Distributed.Framework.Optimizers;

namespace Distributed.Framework.Training;

/// <summary>What a run is like where its user says nothing: a model is trained as it was measured to do well.</summary>
public static class Recipe
{
    /// <summary>The model of whoever names none.</summary>
    public const string DefaultModel = "n2n-residual";

    /// <summary>Samples of a step of the default model.</summary>
    public const int DefaultBatch = 24;

    /// <summary>Steps of the default model on drawn scenes.</summary>
    public const int DefaultSteps = 3150;

    /// <summary>Steps of the default model on files, at least, unless the user says less.</summary>
    public const int FileSteps = 4000;

    /// <summary>Steps of all other models.</summary>
    public const int OtherSteps = 1000;

    /// <summary>Steps of the default model on files, at most, unless the user says more.</summary>
    public const int FileStepsMax = 40_000;

    /// <summary>Sides of windows that the default model takes are multiples of this, in pixels.</summary>
    private const int Divisor = 8;

    /// <summary>Where a new run begins; what its user says replaces parts of it.</summary>
    /// <param name="model">As named; null for <see cref="DefaultModel"/>.</param>
    /// <param name="data">The source as named; null for drawn scenes.</param>
    /// <remarks>
    /// The seeds' models keep the settings that their figures were taken with: batches of 50, Adam at 0.001, small dead
    /// leaves. The default model has its own, chosen on photographs (docs/results.md).
    /// </remarks>
    public static RunConfiguration Of(string? model, string? data)
    {
        if (model is not null && model.Split(':')[0] != DefaultModel)
        {
            return new RunConfiguration { Model = model, Steps = OtherSteps };
        }

        bool isDrawn = data is null || DataSources.IsGenerated(data);
        return new RunConfiguration
        {
            Model = model ?? DefaultModel,
            Data = new DataOptions
            {
                Source = data ?? DataOptions.Scenes,
                Augment = data != DataOptions.Disc,
                Crop = isDrawn && data != DataOptions.Disc ? DataOptions.ScenesCrop : null,
                CropStep = isDrawn ? null : Divisor,
                NoiseIfClean = isDrawn ? null : DataOptions.ScenesNoise,
            },
            Optimizer = new OptimizerOptions { LearningRate = 0.004, Beta2 = 0.99, ClipNorm = 0.2 },
            Schedule = "cosine:6000",
            Warmup = 200,
            Batch = DefaultBatch,
            Steps = isDrawn ? DefaultSteps : null,
        };
    }

    /// <summary>
    /// Steps for a set: a pass, but <see cref="FileSteps"/> at least and <see cref="FileStepsMax"/> at most.
    /// </summary>
    /// <param name="pairs">Pairs of a pass.</param>
    /// <param name="batch">Pairs of a step.</param>
    public static int StepsFor(int pairs, int batch) => Math.Clamp(pairs / batch, FileSteps, FileStepsMax);
}
