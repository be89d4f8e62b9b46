using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>
/// Random-valued impulses: each pixel takes a colour uniform in [0, 1)^C with probability P, and is kept otherwise.
/// </summary>
/// <remarks>
/// Block i of the key belongs to pixel i: word 0 decides (below 2^32 P), words 1 to 3 are the first three channels;
/// block i + g H W has channels 3 g to 3 g + 2. Use the annealed L0 loss: the image is the mode of the noisy ones, not
/// their mean. Source: Lehtinen et al. 2018, "Noise2Noise", section 3.4.
/// </remarks>
/// <param name="replaced">P; above 0, at most 0.99.</param>
/// <exception cref="Errors.ConfigurationException">The level is out of range.</exception>
public sealed class ImpulseNoise(NoiseLevel replaced) : NoiseModel
{
    private readonly NoiseLevel _replaced = replaced.Checked("share of replaced pixels", ShareMax);

    /// <inheritdoc/>
    public override string Name => $"impulse:{_replaced}";

    /// <inheritdoc/>
    public override void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy)
    {
        int pixels = shape.H * shape.W;
        ulong limit = (ulong)((double)_replaced.Draw(key) * (1L << 32));
        for (int pixel = 0; pixel < pixels; pixel++)
        {
            RandomBlock block = key.Random.Block(key.Epoch, key.Sample, key.Copy, (uint)pixel);
            bool isReplaced = block.Word0 < limit;
            for (int c = 0; c < shape.C; c++)
            {
                int element = (c * pixels) + pixel;
                if (!isReplaced)
                {
                    noisy[element] = clean[element];
                    continue;
                }

                if (c % 3 == 0 && c > 0)
                {
                    block = key.Random.Block(key.Epoch, key.Sample, key.Copy, (uint)((c / 3 * pixels) + pixel));
                }

                noisy[element] = Philox.ToUnitFloat(
                    (c % 3) switch { 0 => block.Word1, 1 => block.Word2, _ => block.Word3 });
            }
        }
    }
}
