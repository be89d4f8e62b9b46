using Distributed.Framework.Randomness;

namespace Distributed.Framework.Data.Synthetic;

/// <summary>
/// Draws scenes: dead leaves over more scales than <see cref="DeadLeaves"/> has, from walls and skies to thickets, with
/// strokes, and seen through a lens.
/// </summary>
/// <remarks>
/// A network that saw small leaves alone leaves noise on large smooth areas. A pure function of key and index, in the
/// arithmetic of <see cref="DeadLeaves"/>. Sources as there.
/// </remarks>
public static class DrawnScenes
{
    /// <summary>Names the recipe: another text whenever any image changes.</summary>
    public const string Recipe = "scenes-2";

    private const int StrokesMax = 14;

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
        Scene scene = words.Unit() < 0.4f ? Open(ref words, side) : Crowded(ref words, side);
        int strokes = words.Unit() < 0.3f ? 1 + (int)(StrokesMax * words.Unit() * words.Unit()) : 0;
        for (int i = 0; i < strokes; i++)
        {
            canvas.Lay(Leaf.DrawStroke(ref words, scene, side), everywhere: false);
        }

        for (int i = 0; i < scene.LeafCount; i++)
        {
            canvas.Lay(Leaf.Draw(ref words, scene, scene.Radius(words.Unit()), side), everywhere: false);
        }

        canvas.Lay(Leaf.Draw(ref words, scene, 4 * side, side), everywhere: true);
        if (words.Unit() < 0.5f)
        {
            canvas.Blur(0.3f * words.Unit());
        }

        canvas.Develop(image);
    }

    /// <summary>A few large leaves, most of them smooth: skies, walls, skin, what is out of focus.</summary>
    private static Scene Open(ref WordStream words, int side) => Light(ref words) with
    {
        LeafCount = (int)(10 * words.Unit() * words.Unit()),
        RadiusMin = side * words.Range(0.1f, 0.5f),
        RadiusMax = side * words.Range(0.6f, 2),
        EdgeWidth = words.Unit() < 0.5f ? 1 : words.Range(1, 6),
        Roughness = words.Unit() < 0.6f ? 0 : 0.1f * words.Unit() * words.Unit(),
        Shading = words.Range(0.1f, 2),
    };

    /// <summary>Leaves of every size, from a few to a thicket.</summary>
    private static Scene Crowded(ref WordStream words, int side)
    {
        float detail = words.Unit();
        return Light(ref words) with
        {
            LeafCount = (int)((4 + (125 * detail * detail)) * side * side / 1024f),
            RadiusMin = 1 + (5 * (1 - detail) * words.Unit()),
            RadiusMax = side * words.Range(0.3f, 0.8f),
            EdgeWidth = words.Unit() < 0.7f ? 1 : words.Range(1, 2.5f),
            Roughness = 0.2f * words.Unit(),
            Shading = words.Range(0.1f, 0.6f),
        };
    }

    /// <summary>Light and palette; one colour often rules an image, up to a pure one.</summary>
    private static Scene Light(ref WordStream words)
    {
        float tint = words.Unit();
        tint *= words.Unit() < 0.5f ? 1 : tint;
        return new Scene(
            LeafCount: 0,
            RadiusMin: 0,
            RadiusMax: 0,
            EdgeWidth: 1,
            Brightness: words.Range(0.1f, 0.8f),
            Contrast: words.Range(0.03f, 0.3f),
            Red: 1 + (tint * words.Range(-0.9f, 0.9f)),
            Green: 1 + (0.5f * tint * words.Range(-0.9f, 0.9f)),
            Blue: 1 + (tint * words.Range(-0.9f, 0.9f)),
            Saturation: words.Unit() < 0.12f ? words.Range(0.4f, 1) : 0.5f * words.Unit() * words.Unit(),
            Roughness: 0);
    }
}
