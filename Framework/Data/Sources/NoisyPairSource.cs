using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>Pairs made from clean images and a noise model.</summary>
/// <remarks>
/// For training: two independent noisy copies, other noise and another window in each epoch, unless fixed (then every
/// image gives one pair for ever). For validation: noisy and clean, the same in every epoch.
/// </remarks>
public sealed class NoisyPairSource : PairSource
{
    private readonly ImageSet _images;
    private readonly NoiseModel _noise;
    private readonly CropWindow _window;
    private readonly Philox _random;
    private readonly bool _isFixed;

    private NoisyPairSource(ImageSet images, NoiseModel noise, int? crop, uint seed, bool isFixed, bool isValidation)
    {
        _images = images;
        _noise = noise;
        _window = new CropWindow(images, crop, noise.Shrink, seed, isValidation);
        _random = new Philox(seed, isValidation ? RandomPurpose.ValidationNoise : RandomPurpose.TrainingNoise);
        _isFixed = isFixed;
        HasCleanTargets = isValidation;
    }

    /// <inheritdoc/>
    public override int Count => _images.Count;

    /// <inheritdoc/>
    public override ImageShape Shape => _window.Shape;

    /// <inheritdoc/>
    public override bool HasCleanTargets { get; }

    /// <inheritdoc/>
    public override string ContentHash => _images.ContentHash;

    /// <summary>Noisy and noisy.</summary>
    public static NoisyPairSource ForTraining(
        ImageSet images, NoiseModel noise, int? crop, uint seed, bool isFixed = false) =>
        new(images, noise, crop, seed, isFixed, isValidation: false);

    /// <summary>Noisy and clean, always the same.</summary>
    public static NoisyPairSource ForValidation(ImageSet images, NoiseModel noise, int? crop, uint seed) =>
        new(images, noise, crop, seed, isFixed: true, isValidation: true);

    /// <inheritdoc/>
    public override bool CanPack => _images.CanPack;

    /// <inheritdoc/>
    public override void Pack(Stream target) => _images.WriteContent(target);

    /// <inheritdoc/>
    public override void Read(int index, int epoch, Span<float> input, Span<float> target)
    {
        ImageShape shape = Shape;
        input = input[..shape.Elements];
        target = target[..shape.Elements];
        uint noiseEpoch = _isFixed ? 0 : (uint)epoch;
        (int top, int left) = _window.Place(_images.ShapeOf(index), noiseEpoch, (uint)index);
        // Without shrinking, the target's own memory holds the clean image meanwhile.
        Span<float> clean = _noise.Shrink == 1 ? target : ThreadScratch.ForImage(_window.Source.Elements);
        _images.ReadWindow(index, top, left, _window.Source, clean);
        _noise.MakeNoisy(new NoiseKey(_random, noiseEpoch, (uint)index, 0), clean, shape, input);
        if (!HasCleanTargets)
        {
            _noise.MakeNoisy(new NoiseKey(_random, noiseEpoch, (uint)index, 1), clean, shape, target);
        }
        else if (_noise.Shrink != 1)
        {
            _noise.MakeClean(clean, shape, target);
        }
    }
}
