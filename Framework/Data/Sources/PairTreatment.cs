namespace Distributed.Framework.Data.Sources;

/// <summary>What is done to the pairs of a source, whatever they are: the part of the options that all share.</summary>
/// <param name="Crop">Side of the window; null for the default.</param>
/// <param name="Seed">Decides windows, noise and augmentation.</param>
/// <param name="IsValidation">Targets are clean, and nothing changes from epoch to epoch.</param>
/// <param name="IsFixed">Windows and noise are the same in every epoch, as always in validation.</param>
/// <param name="CleanTargets">Targets of the training are clean too.</param>
/// <param name="Augment">Whether training pairs are flipped, rotated and swapped; never in validation.</param>
/// <param name="Covers">Whether a pass has as many windows of an image as have its area, and not one.</param>
/// <param name="Whole">Whether whole pictures will be read, so that they may be smaller than a window.</param>
public sealed record PairTreatment(
    int? Crop = null,
    uint Seed = 0,
    bool IsValidation = false,
    bool IsFixed = false,
    bool CleanTargets = false,
    bool Augment = false,
    bool Covers = false,
    bool Whole = false)
{
    /// <summary>Whether windows and noise stay.</summary>
    public bool Stays => IsValidation || IsFixed;

    /// <summary>Whether targets are clean.</summary>
    public bool HasCleanTargets => IsValidation || CleanTargets;

    /// <summary>Whether pairs are augmented.</summary>
    public bool Augments => Augment && !IsValidation;
}
