using System.Text.Json.Serialization;

namespace Distributed.Framework.Data;

/// <summary>Where pairs come from, and what is done to them: plain data, part of a run's configuration.</summary>
public sealed record DataOptions
{
    /// <summary>Small dead leaves: a source that needs no file.</summary>
    public const string Synthetic = "synthetic";

    /// <summary>Drawn scenes of more kinds and scales: a source that needs no file.</summary>
    public const string Scenes = "scenes";

    /// <summary>The toy set of two classes, points inside and outside a disc: needs no file either.</summary>
    public const string Disc = "disc";

    /// <summary>Frames 2 k and 2 k + 1 of a stack are pairs: the default.</summary>
    public const string AlternatePairs = "alternate";

    /// <summary>Frames k and k + 1 of a stack are pairs.</summary>
    public const string NextPairs = "next";

    /// <summary>Neighbouring pixels of single noisy images are pairs.</summary>
    public const string NeighborPairs = "neighbors";

    /// <summary>One window of an image in each pass.</summary>
    public const string OneWindow = "one";

    /// <summary>As many windows of an image in each pass as have its area.</summary>
    public const string CoveringWindows = "cover";

    /// <summary>The noise of <see cref="Synthetic"/> if none is named.</summary>
    public const string SyntheticNoise = "gaussian:25";

    /// <summary>The noise of <see cref="Scenes"/> if none is named.</summary>
    public const string ScenesNoise = "gaussian:5-50";

    /// <summary>The windows of <see cref="Scenes"/> if none are named, in pixels.</summary>
    public const int ScenesCrop = 32;

    /// <summary>The share that is held out where there is nothing else to validate with.</summary>
    public const double StandardHoldout = 0.05;

    /// <summary>Of fewer windows nothing is held out unless that is asked for: 8 would be over a quarter.</summary>
    public const int HoldoutWindowsMin = 32;

    /// <summary>"synthetic", "scenes", "disc", or a file or folder, told apart by content (<c>--data</c>).</summary>
    public string Source { get; init; } = Synthetic;

    /// <summary>
    /// As <see cref="Source"/>, for validation (<c>--validation</c>); null is described at DataSources.
    /// </summary>
    public string? Validation { get; init; }

    /// <summary>
    /// Noise model for clean images (<c>--noise</c>); null for pairs, and for the default of synthetic.
    /// </summary>
    public string? Noise { get; init; }

    /// <summary>
    /// Noise model for what turns out to be clean images, where <see cref="Noise"/> is null; null to refuse them.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NoiseIfClean { get; init; }

    /// <summary>Whether each training image keeps its noise and window in every epoch (<c>--noise-fixed</c>).</summary>
    public bool NoiseFixed { get; init; }

    /// <summary>Whether training targets are clean images rather than noisy ones (<c>--targets clean</c>).</summary>
    public bool CleanTargets { get; init; }

    /// <summary>Whether training pairs are flipped, rotated and swapped at random (<c>--augment</c>).</summary>
    public bool Augment { get; init; }

    /// <summary>Side of the window that is cut from each image (<c>--crop</c>); null for the default.</summary>
    public int? Crop { get; init; }

    /// <summary>
    /// Where <see cref="Crop"/> is null: windows of files' images have the largest side that this divides and all
    /// images have, <see cref="ScenesCrop"/> at most; null for the default of <see cref="Crop"/>.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? CropStep { get; init; }

    /// <summary>The stored value that becomes 0 (<c>--range</c>); null for the type's own.</summary>
    public double? RangeLow { get; init; }

    /// <summary>The stored value that becomes 1 (<c>--range</c>); null for the type's own.</summary>
    public double? RangeHigh { get; init; }

    /// <summary>
    /// What is a pair (<c>--pairs</c>): of frames of a stack <see cref="AlternatePairs"/> or <see cref="NextPairs"/>,
    /// null for alternate where the file does not speak against it; or <see cref="NeighborPairs"/>.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Pairs { get; init; }

    /// <summary>
    /// Windows of a training image in each pass (<c>--windows</c>): <see cref="OneWindow"/>, or as many as cover it
    /// (<see cref="CoveringWindows"/>); null for one, but new runs of <c>train</c> cover images of two windows or more.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Windows { get; init; }

    /// <summary>
    /// Share of the pairs, the last ones, that is kept from training and validated with (<c>--holdout</c>), if there is
    /// no other validation; null or 0 for none. New runs of <c>train</c> take <see cref="StandardHoldout"/> for null.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Holdout { get; init; }

    /// <summary>Whether whole pictures of the validation will be read: no setting of a run.</summary>
    internal bool MeasuresWhole { get; init; }

    /// <summary>
    /// Most memory that the images of a source may take, in bytes; others stay in their files. Null for the usual: no
    /// setting of a run, since it changes nothing else.
    /// </summary>
    internal long? MemoryBytes { get; init; }

    /// <summary>Only the first pairs of the training source (<c>--limit</c>); null for all.</summary>
    public int? Limit { get; init; }

    /// <summary>The run's seed: decides training noise and windows. Validation does not depend on it.</summary>
    public uint Seed { get; init; }
}
