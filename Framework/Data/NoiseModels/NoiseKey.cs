using Distributed.Framework.Randomness;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>Which noise: with the element, all that a noise model's numbers depend on.</summary>
/// <param name="Random">Seed and purpose.</param>
/// <param name="Epoch">Another one, other noise.</param>
/// <param name="Sample">Index of the image.</param>
/// <param name="Copy">0 for the input, 1 for the target: two independent noisy copies.</param>
public readonly record struct NoiseKey(Philox Random, uint Epoch, uint Sample, uint Copy);
