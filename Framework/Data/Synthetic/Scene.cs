namespace Distributed.Framework.Data.Synthetic;

/// <summary>What all leaves of one image have in common: light, palette, sizes, sharpness.</summary>
/// <param name="LeafCount">Leaves before the background closes the gaps.</param>
/// <param name="RadiusMin">Smallest radius, in pixels.</param>
/// <param name="RadiusMax">Largest radius, in pixels.</param>
/// <param name="EdgeWidth">Width of an edge in focus, in pixels.</param>
/// <param name="Brightness">Mean brightness.</param>
/// <param name="Contrast">Standard deviation of brightness from leaf to leaf.</param>
/// <param name="Red">Tint of the light, around 1.</param>
/// <param name="Green">Tint of the light, around 1.</param>
/// <param name="Blue">Tint of the light, around 1.</param>
/// <param name="Saturation">Strength of the colours: 0 is grey, 1 pure.</param>
/// <param name="Roughness">Strength of the textures.</param>
/// <param name="Plain">Share of the leaves that have no texture.</param>
/// <param name="Shading">Strength of the change of brightness within a leaf.</param>
internal readonly record struct Scene(
    int LeafCount,
    float RadiusMin,
    float RadiusMax,
    float EdgeWidth,
    float Brightness,
    float Contrast,
    float Red,
    float Green,
    float Blue,
    float Saturation,
    float Roughness,
    float Plain = 0.35f,
    float Shading = 0.2f)
{
    /// <summary>Draws an image's scene.</summary>
    /// <param name="random">The image's numbers.</param>
    /// <param name="side">The image's side, in pixels.</param>
    public static Scene Draw(ref WordStream random, int side)
    {
        // From close-ups (a few large, smooth leaves) to thickets: photographs have both, and everything between.
        float detail = random.Unit();
        // One colour often rules an image, up to a pure one: a network that saw only pale ones turns a red cup brown.
        float tint = random.Unit();
        tint *= tint;
        float area = side * side / 1024f;
        return new Scene(
            LeafCount: (int)((4 + (125 * detail * detail)) * area),
            RadiusMin: 1 + (5 * (1 - detail) * random.Unit()),
            RadiusMax: 10 + (14 * random.Unit()),
            EdgeWidth: random.Unit() < 0.7f ? 1 : random.Range(1, 2.2f),
            Brightness: random.Range(0.15f, 0.7f),
            Contrast: random.Range(0.06f, 0.3f),
            Red: 1 + (tint * random.Range(-0.9f, 0.9f)),
            Green: 1 + (0.5f * tint * random.Range(-0.9f, 0.9f)),
            Blue: 1 + (tint * random.Range(-0.9f, 0.9f)),
            Saturation: random.Unit() < 0.12f ? random.Range(0.4f, 1) : 0.5f * random.Unit() * random.Unit(),
            Roughness: 0.16f * random.Unit());
    }

    /// <summary>A radius with density proportional to 1 / r^3, so that every scale covers the same area.</summary>
    public float Radius(float unit)
    {
        float ratio = RadiusMin / RadiusMax;
        return RadiusMin / MathF.Sqrt(1 - (unit * (1 - (ratio * ratio))));
    }
}
