using Distributed.Framework.Data.Sources;
using Distributed.Framework.Data.Synthetic;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.NoiseModels;

/// <summary>
/// Writes random strings over an image, at random places and in random sizes and colours, until about a share P of its
/// pixels is covered.
/// </summary>
/// <remarks>
/// Strings have 2 to 12 letters and digits, 1 to 4 pixels to a dot of the font (less in small images), a colour
/// uniform in [0, 1)^C, and may lie over each other and over the border; all stand upright. It stops after the glyph
/// that reaches P, so a little more than P is covered. Use the L1 loss: the image is the median of the noisy ones while
/// P is below a half. Source: Lehtinen et al. 2018, "Noise2Noise", section 3.3.
/// </remarks>
/// <param name="covered">P; above 0, at most 0.9.</param>
/// <exception cref="Errors.ConfigurationException">The level is out of range.</exception>
public sealed class TextNoise(NoiseLevel covered) : NoiseModel
{
    /// <summary>P if none is given.</summary>
    public const float DefaultShare = 0.25f;

    /// <summary>Largest P.</summary>
    public const float TextShareMax = 0.9f;

    private const int StringMin = 2;
    private const int StringMax = 12;
    private const int ScaleMax = 4;
    private const int SideOfScale = 16;
    private const int ColourChannels = 16;
    private const int Advance = TextFont.Width + 1;

    private readonly NoiseLevel _covered = covered.Checked("share of covered pixels", TextShareMax);

    /// <inheritdoc/>
    public override string Name => _covered == new NoiseLevel(DefaultShare, DefaultShare) ? "text" : $"text:{_covered}";

    /// <inheritdoc/>
    public override void MakeNoisy(NoiseKey key, ReadOnlySpan<float> clean, ImageShape shape, Span<float> noisy)
    {
        clean[..shape.Elements].CopyTo(noisy);
        int pixels = shape.H * shape.W;
        Span<float> mask = ThreadScratch.ForMask(pixels);
        mask.Clear();
        WordStream words = new(key.Random, key.Epoch, key.Sample, key.Copy);
        Span<float> colour = stackalloc float[ColourChannels];
        int scales = Math.Clamp(Math.Min(shape.H, shape.W) / SideOfScale, 1, ScaleMax);
        int missing = (int)(_covered.Draw(key) * pixels);
        for (int strings = 0; missing > 0 && strings < pixels; strings++)
        {
            int scale = 1 + (int)(words.Unit() * scales);
            int length = StringMin + (int)(words.Unit() * (StringMax - StringMin + 1));
            int left = (int)words.Range(-length * Advance * scale / 2, shape.W);
            int top = (int)words.Range(-TextFont.Height * scale, shape.H);
            for (int c = 0; c < Math.Min(shape.C, ColourChannels); c++)
            {
                colour[c] = words.Unit();
            }

            for (int i = 0; i < length && missing > 0; i++)
            {
                int glyph = (int)(words.Unit() * TextFont.Count);
                missing -= Paint(glyph, scale, top, left + (i * Advance * scale), shape, colour, mask, noisy);
            }
        }
    }

    /// <summary>Paints a glyph.</summary>
    /// <returns>How many pixels were not covered before.</returns>
    private static int Paint(
        int glyph,
        int scale,
        int top,
        int left,
        ImageShape shape,
        ReadOnlySpan<float> colour,
        Span<float> mask,
        Span<float> noisy)
    {
        int pixels = shape.H * shape.W;
        int count = 0;
        for (int y = Math.Max(0, top); y < Math.Min(shape.H, top + (TextFont.Height * scale)); y++)
        {
            for (int x = Math.Max(0, left); x < Math.Min(shape.W, left + (TextFont.Width * scale)); x++)
            {
                if (!TextFont.IsInk(glyph, (x - left) / scale, (y - top) / scale))
                {
                    continue;
                }

                int pixel = (y * shape.W) + x;
                count += mask[pixel] == 0 ? 1 : 0;
                mask[pixel] = 1;
                for (int c = 0; c < shape.C; c++)
                {
                    noisy[(c * pixels) + pixel] = colour[c % ColourChannels];
                }
            }
        }

        return count;
    }
}
