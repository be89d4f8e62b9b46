using Distributed.Framework.Randomness;

namespace Distributed.Framework.Data.Synthetic;

/// <summary>
/// Draws dead leaves: overlapping shapes with radii from a power law, which have the statistics of photographs.
/// </summary>
/// <remarks>
/// Leaves are laid from the front to the back; each takes what the ones before left of a pixel (so edges are
/// anti-aliased by coverage), and the background takes the rest. A pure function of key and index; only +, -, *, / and
/// square root, each rounded once and in one order, so the same bytes on every machine.
/// Sources: Lee, Mumford, Huang 2001, "Occlusion Models for Natural Images"; Baradad et al. 2021, "Learning to See by
/// Looking at Noise".
/// </remarks>
public static class DeadLeaves
{
    /// <summary>Names the recipe: another text whenever any image changes.</summary>
    public const string Recipe = "dead-leaves-1";

    /// <summary>Channels: red, green, blue.</summary>
    public const int Channels = 3;

    // Less than half a step of 8 bits: nothing behind can be seen.
    private const float InvisibleShare = 1f / 512;
    private const float BackgroundRadius = 64;

    /// <summary>Floats of scratch that <see cref="Draw"/> wants for a side.</summary>
    public static int ScratchLength(int side) => 4 * side * side;

    /// <summary>Draws one image.</summary>
    /// <param name="random">Seed and purpose.</param>
    /// <param name="index">Which image.</param>
    /// <param name="side">Height and width, in pixels.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/> floats, any content.</param>
    /// <param name="image">[3, side, side], overwritten: 255 times the value, rounded.</param>
    /// <remarks>Allocates nothing.</remarks>
    public static void Draw(Philox random, uint index, int side, Span<float> scratch, Span<byte> image)
    {
        int pixels = side * side;
        Span<float> share = scratch[..pixels];
        Canvas canvas = new(
            side,
            share,
            scratch.Slice(pixels, pixels),
            scratch.Slice(2 * pixels, pixels),
            scratch.Slice(3 * pixels, pixels));
        share.Fill(1);
        scratch.Slice(pixels, 3 * pixels).Clear();

        WordStream words = new(random, index);
        Scene scene = Scene.Draw(ref words, side);
        for (int i = 0; i < scene.LeafCount; i++)
        {
            Leaf leaf = Leaf.Draw(ref words, scene, scene.Radius(words.Unit()), side);
            canvas.Lay(leaf, everywhere: false);
        }

        canvas.Lay(Leaf.Draw(ref words, scene, BackgroundRadius, side), everywhere: true);
        canvas.Develop(image);
    }

    /// <summary>The image in the making: what is still to be seen of the background, and the light so far.</summary>
    private readonly ref struct Canvas(
        int side, Span<float> share, Span<float> red, Span<float> green, Span<float> blue)
    {
        private readonly Span<float> _share = share;
        private readonly Span<float> _red = red;
        private readonly Span<float> _green = green;
        private readonly Span<float> _blue = blue;

        public void Lay(in Leaf leaf, bool everywhere)
        {
            int top = everywhere ? 0 : Math.Max(0, (int)(leaf.CenterY - leaf.Reach));
            int bottom = everywhere ? side : Math.Min(side, (int)(leaf.CenterY + leaf.Reach) + 1);
            int left = everywhere ? 0 : Math.Max(0, (int)(leaf.CenterX - leaf.Reach));
            int right = everywhere ? side : Math.Min(side, (int)(leaf.CenterX + leaf.Reach) + 1);
            for (int y = top; y < bottom; y++)
            {
                float dy = y + 0.5f - leaf.CenterY;
                for (int x = left; x < right; x++)
                {
                    int pixel = (y * side) + x;
                    float visible = _share[pixel];
                    if (visible < InvisibleShare)
                    {
                        continue;
                    }

                    float dx = x + 0.5f - leaf.CenterX;
                    float taken = everywhere ? visible : visible * leaf.Coverage(dx, dy);
                    if (taken > 0)
                    {
                        _share[pixel] = visible - taken;
                        AddLight(leaf, dx, dy, pixel, taken);
                    }
                }
            }
        }

        public void Develop(Span<byte> image)
        {
            int pixels = side * side;
            for (int i = 0; i < pixels; i++)
            {
                image[i] = ToByte(_red[i]);
                image[pixels + i] = ToByte(_green[i]);
                image[(2 * pixels) + i] = ToByte(_blue[i]);
            }
        }

        private void AddLight(in Leaf leaf, float dx, float dy, int pixel, float taken)
        {
            float shade = (dx * leaf.SlopeX) + (dy * leaf.SlopeY);
            if (leaf.Roughness > 0)
            {
                shade += leaf.Roughness * leaf.Texture(dx, dy);
            }

            _red[pixel] += taken * (leaf.Red + shade);
            _green[pixel] += taken * (leaf.Green + shade);
            _blue[pixel] += taken * (leaf.Blue + shade);
        }

        private static byte ToByte(float value) => (byte)((Math.Clamp(value, 0, 1) * 255) + 0.5f);
    }
}
