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

    private const float BackgroundRadius = 64;

    /// <summary>Floats of scratch that <see cref="Draw"/> wants for a side.</summary>
    public static int ScratchLength(int side) => Canvas.ScratchLength(side);

    /// <summary>Draws one image.</summary>
    /// <param name="random">Seed and purpose.</param>
    /// <param name="index">Which image.</param>
    /// <param name="side">Height and width, in pixels.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/> floats, any content.</param>
    /// <param name="image">[3, side, side], overwritten: 255 times the value, rounded.</param>
    /// <remarks>Allocates nothing.</remarks>
    public static void Draw(Philox random, uint index, int side, Span<float> scratch, Span<byte> image)
    {
        Canvas canvas = new(side, scratch);
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
}
