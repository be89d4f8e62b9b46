using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Framework.Data.Synthetic;

/// <summary>One leaf: an ellipse or a convex polygon with its colour, gradient and texture.</summary>
/// <remarks>Positions are in pixels; a pixel's centre is at half a pixel. Colours are within [0, 1], not
/// strictly.</remarks>
internal struct Leaf
{
    /// <summary>A polygon is the set of points within all of its sides; an ellipse has none.</summary>
    public const int SidesMax = 6;

    private Sides _normalX;
    private Sides _normalY;
    private Sides _distance;
    private int _sideCount;
    private float _axisX, _axisY, _inverseLong, _inverseShort, _short;
    private float _textureUx, _textureUy, _textureVx, _textureVy, _textureX, _textureY;

    public float CenterX { get; private set; }

    public float CenterY { get; private set; }

    /// <summary>No point of the leaf is farther from its centre.</summary>
    public float Reach { get; private set; }

    /// <summary>1 over the width of the edge, in pixels.</summary>
    public float Sharpness { get; private set; }

    public float Red { get; private set; }

    public float Green { get; private set; }

    public float Blue { get; private set; }

    /// <summary>Change of brightness per pixel.</summary>
    public float SlopeX { get; private set; }

    /// <summary>Change of brightness per pixel.</summary>
    public float SlopeY { get; private set; }

    /// <summary>Standard deviation of the texture; 0 for none.</summary>
    public float Roughness { get; private set; }

    /// <summary>Draws all properties.</summary>
    /// <param name="random">The image's numbers.</param>
    /// <param name="scene">What the leaves of the image have in common.</param>
    /// <param name="radius">About half the leaf's size, in pixels.</param>
    /// <param name="side">The image's side, in pixels.</param>
    public static Leaf Draw(ref WordStream random, in Scene scene, float radius, int side)
    {
        Leaf leaf = default;
        leaf.CenterX = random.Range(-0.7f * radius, side + (0.7f * radius));
        leaf.CenterY = random.Range(-0.7f * radius, side + (0.7f * radius));
        float width = random.Unit() < 0.75f ? scene.EdgeWidth : scene.EdgeWidth * random.Range(1, 4);
        leaf.Sharpness = 1 / Math.Min(width, Math.Max(scene.EdgeWidth, radius));
        leaf.DrawOutline(ref random, radius, width);
        leaf.DrawSurface(ref random, scene, radius);
        return leaf;
    }

    /// <summary>Draws a thin straight stroke: a wire, a twig, the edge of a page.</summary>
    /// <param name="random">The image's numbers.</param>
    /// <param name="scene">What the leaves of the image have in common.</param>
    /// <param name="side">The image's side, in pixels.</param>
    public static Leaf DrawStroke(ref WordStream random, in Scene scene, int side)
    {
        Leaf leaf = default;
        leaf.CenterX = random.Range(0, side);
        leaf.CenterY = random.Range(0, side);
        leaf.Sharpness = 1 / scene.EdgeWidth;
        (leaf._axisX, leaf._axisY) = random.Direction();
        float along = random.Range(4, side);
        float across = random.Range(0.4f, 1.6f);
        leaf._sideCount = 4;
        for (int i = 0; i < leaf._sideCount; i++)
        {
            leaf.AddSide(i, i % 2 == 1 ? across : along);
        }

        leaf.Reach = along + across + scene.EdgeWidth;
        leaf.DrawSurface(ref random, scene, radius: 3);
        return leaf;
    }

    /// <summary>Share of the pixels around points that the leaf covers, the offsets being from its centre.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<float> Coverage(Vector256<float> dx, float dy)
    {
        Vector256<float> inside;
        if (_sideCount == 0)
        {
            Vector256<float> u = ((dx * _axisX) + Vector256.Create(dy * _axisY)) * _inverseLong;
            Vector256<float> v = (Vector256.Create(dy * _axisX) - (dx * _axisY)) * _inverseShort;
            inside = (Vector256<float>.One - Vector256.Sqrt((u * u) + (v * v))) * _short;
        }
        else
        {
            inside = Vector256.Create(float.MaxValue);
            for (int i = 0; i < _sideCount; i++)
            {
                Vector256<float> distance =
                    Vector256.Create(_distance[i]) - (dx * _normalX[i]) - Vector256.Create(dy * _normalY[i]);
                inside = Vector256.MinNative(inside, distance);
            }
        }

        Vector256<float> share = (inside * Sharpness) + Vector256.Create(0.5f);
        return Vector256.MinNative(Vector256.MaxNative(share, Vector256<float>.Zero), Vector256<float>.One);
    }

    /// <summary>The texture at offsets from the centre: mean 0, standard deviation about 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<float> Texture(Vector256<float> dx, float dy) => TextureTile.At(
        Vector256.Create(_textureX) + (dx * _textureUx) + Vector256.Create(dy * _textureUy),
        Vector256.Create(_textureY) + (dx * _textureVx) + Vector256.Create(dy * _textureVy));

    private void DrawOutline(ref WordStream random, float radius, float edgeWidth)
    {
        (_axisX, _axisY) = random.Direction();
        float kind = random.Unit();
        // Most leaves are roundish; some are long and thin: twigs, wires, strokes.
        float stretch = random.Unit() < 0.2f ? random.Range(2, 8) : random.Range(1, 1.6f);
        float along = radius * Math.Min(stretch, 4);
        float across = radius / stretch;
        Reach = along + edgeWidth;
        if (kind < 0.5f)
        {
            _inverseLong = 1 / along;
            _inverseShort = 1 / across;
            _short = across;
            return;
        }

        // Sides all around, each at its own distance: the reach is where two of them meet, at most 2.5 times as far.
        _sideCount = kind < 0.6f ? 3 : kind < 0.9f ? 4 : SidesMax;
        for (int i = 0; i < _sideCount; i++)
        {
            float flat = _sideCount == 4 && i % 2 == 1 ? across : _sideCount == 4 ? along : radius;
            AddSide(i, flat * random.Range(0.6f, 1));
        }

        Reach = _sideCount == 4 ? (along * 1.42f) + edgeWidth : (radius * 2.5f) + edgeWidth;
    }

    private void AddSide(int i, float distance)
    {
        (float x, float y) = Turned(i);
        (_normalX[i], _normalY[i]) = ((x * _axisX) - (y * _axisY), (x * _axisY) + (y * _axisX));
        _distance[i] = distance;
    }

    /// <summary>The i-th of the outward directions of a regular polygon.</summary>
    private readonly (float X, float Y) Turned(int i) => (_sideCount, i) switch
    {
        (3, 0) or (4, 0) or (6, 0) => (1, 0),
        (4, 1) => (0, 1),
        (4, 2) or (6, 3) => (-1, 0),
        (4, 3) => (0, -1),
        (3, 1) or (6, 2) => (-0.5f, 0.8660254f),
        (3, 2) or (6, 4) => (-0.5f, -0.8660254f),
        (6, 1) => (0.5f, 0.8660254f),
        _ => (0.5f, -0.8660254f),
    };

    private void DrawSurface(ref WordStream random, in Scene scene, float radius)
    {
        float brightness = Math.Clamp(scene.Brightness + (scene.Contrast * random.Bell()), 0.02f, 0.98f);
        Red = brightness * scene.Red * (1 + (scene.Saturation * random.Range(-0.95f, 0.95f)));
        Green = brightness * scene.Green * (1 + (scene.Saturation * random.Range(-0.95f, 0.95f)));
        Blue = brightness * scene.Blue * (1 + (scene.Saturation * random.Range(-0.95f, 0.95f)));

        (float x, float y) = random.Direction();
        float slope = scene.Shading * random.Unit() * random.Unit() / Math.Max(radius, 3);
        (SlopeX, SlopeY) = (x * slope, y * slope);

        float rough = random.Unit();
        Roughness = rough < scene.Plain ? 0 : scene.Roughness * rough * rough * (0.3f + brightness);
        // Texture pixels per pixel: below 1 is smooth, above is grain; unequal along the two axes gives hair and grass.
        (float ux, float uy) = random.Direction();
        float grain = 0.15f + (1.2f * random.Unit() * random.Unit());
        float streak = random.Unit() < 0.3f ? random.Range(0.1f, 0.4f) : 1;
        (_textureUx, _textureUy) = (ux * grain, uy * grain);
        (_textureVx, _textureVy) = (-uy * grain * streak, ux * grain * streak);
        _textureX = random.Range(0, TextureTile.Side);
        _textureY = random.Range(0, TextureTile.Side);
    }

    [InlineArray(SidesMax)]
    private struct Sides
    {
        private float _first;
    }
}
