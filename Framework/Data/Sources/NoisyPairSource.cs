using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pairs made from clean images and a noise model.</summary>
/// <remarks>
/// For training: two independent noisy copies (or a noisy and the clean one), other noise and another window in each
/// epoch, unless fixed (then every image gives one pair for ever). For validation: noisy and clean, the same in every
/// epoch. Fresh noise is put on the augmented image, so that noise with a direction, such as text, keeps it; fixed
/// noise is turned with its image, which makes it the same noisy image in another position.
/// </remarks>
public sealed class NoisyPairSource : PairSource
{
    private readonly ImageSet _images;
    private readonly NoiseModel _noise;
    private readonly CropWindow _window;
    private readonly Augmentation _augmentation;
    private readonly Philox _random;
    private readonly bool _isFixed;

    /// <param name="images">Clean images.</param>
    /// <param name="noise">What makes them noisy.</param>
    /// <param name="treatment">Windows, targets and augmentation.</param>
    public NoisyPairSource(ImageSet images, NoiseModel noise, PairTreatment treatment)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(noise);
        ArgumentNullException.ThrowIfNull(treatment);
        _images = images;
        _noise = noise;
        bool isValidation = treatment.IsValidation;
        _window = new CropWindow(images, treatment, noise.Shrink);
        _random = new Philox(
            treatment.Seed, isValidation ? RandomPurpose.ValidationNoise : RandomPurpose.TrainingNoise);
        _isFixed = treatment.Stays;
        HasCleanTargets = treatment.HasCleanTargets;
        _augmentation = new Augmentation(treatment.Augments, treatment.Seed, Shape, maySwap: !HasCleanTargets);
    }

    /// <inheritdoc/>
    public override int Count => _window.CountOf(_images.Count);

    /// <inheritdoc/>
    public override int Pictures => _images.Count;

    /// <inheritdoc/>
    internal override int CountOf(int pictures) => Math.Min(_window.CountOf(pictures), Count);

    /// <inheritdoc/>
    public override bool HasWholes => _window.HasWholes;

    /// <inheritdoc/>
    public override ImageShape ShapeOf(int picture) => _window.ShapeOf(picture);

    /// <inheritdoc/>
    public override void ReadWhole(int picture, Span<float> input, Span<float> target) =>
        Make(new Place(picture, 0, 0, ShapeOf(picture)), (Epoch: 0, picture), default, input, target);

    /// <inheritdoc/>
    public override ImageShape Shape => _window.Shape;

    /// <inheritdoc/>
    public override bool HasCleanTargets { get; }

    /// <inheritdoc/>
    public override string ContentHash => _images.ContentHash;

    /// <inheritdoc/>
    public override PackedContent? Packed => _images.Packed;

    /// <inheritdoc/>
    public override bool MasksTargets => _noise.HasMask && !HasCleanTargets;

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        uint noiseEpoch = _isFixed ? 0 : (uint)epoch;
        int image = _window.ImageOf(index);
        (int top, int left) = _window.Place(_images.ShapeOf(image), noiseEpoch, (uint)index);
        PairTransform transform = _augmentation.At((uint)epoch, (uint)index);
        Make(new Place(image, top, left, Shape), (noiseEpoch, index), transform, input, target);
    }

    /// <inheritdoc/>
    public override float? SigmaOf(int index, int epoch)
    {
        PairTransform transform = _augmentation.At((uint)epoch, (uint)index);
        return _noise.Sigma(Key(_isFixed ? 0 : (uint)epoch, index, isTarget: false, transform));
    }

    /// <summary>Where a pair is taken from.</summary>
    /// <param name="Image">Of the set.</param>
    /// <param name="Top">First row.</param>
    /// <param name="Left">First column.</param>
    /// <param name="Shape">What the network sees.</param>
    private readonly record struct Place(int Image, int Top, int Left, ImageShape Shape);

    private void Make(
        Place place, (uint Epoch, int Index) key, PairTransform transform, Span<float> input, Span<float> target)
    {
        ImageShape shape = place.Shape;
        ImageShape source = new(shape.C, shape.H * _noise.Shrink, shape.W * _noise.Shrink);
        input = input[..shape.Elements];
        target = target[..shape.Elements];
        // Without shrinking, the target's own memory holds the clean image meanwhile.
        Span<float> clean = _noise.Shrink == 1 ? target : ThreadScratch.ForImage(source.Elements);
        _images.ReadWindow(place.Image, place.Top, place.Left, source, clean);
        if (!_isFixed)
        {
            transform.Apply(clean, source);
        }

        _noise.MakeNoisy(Key(key.Epoch, key.Index, isTarget: false, transform), clean, shape, input);
        if (!HasCleanTargets)
        {
            _noise.MakeNoisy(Key(key.Epoch, key.Index, isTarget: true, transform), clean, shape, target);
        }
        else if (_noise.Shrink != 1)
        {
            _noise.MakeClean(clean, shape, target);
        }

        if (_isFixed)
        {
            transform.Apply(input, shape);
            transform.Apply(target, shape);
        }
    }

    /// <inheritdoc/>
    public override void MaskTarget(int index, int epoch, ReadOnlySpan<float> prediction, Span<float> target)
    {
        if (!MasksTargets)
        {
            return;
        }

        PairTransform transform = _augmentation.At((uint)epoch, (uint)index);
        ImageShape plane = new(1, Shape.H, Shape.W);
        Span<float> mask = ThreadScratch.ForMask(plane.Elements);
        NoiseKey key = Key(_isFixed ? 0 : (uint)epoch, index, isTarget: true, transform);
        _noise.MakeMask(key, Shape, mask);
        if (_isFixed)
        {
            transform.Apply(mask, plane);
        }

        for (int c = 0; c < Shape.C; c++)
        {
            for (int i = 0; i < mask.Length; i++)
            {
                int element = (c * mask.Length) + i;
                target[element] = mask[i] == 0 ? prediction[element] : target[element];
            }
        }
    }

    /// <summary>A swapped pair has the input's noise on the target and the other way round.</summary>
    private NoiseKey Key(uint epoch, int index, bool isTarget, PairTransform transform) =>
        new(_random, epoch, (uint)index, isTarget != transform.Swap ? 1u : 0);
}
