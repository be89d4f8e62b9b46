using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Distributed.Framework.Data.Synthetic;

/// <summary>The image in the making: what is still to be seen of the background, and the light so far.</summary>
/// <remarks>
/// Eight pixels of a line at a time, each by the same operations: its bits do not depend on its place among them.
/// </remarks>
internal readonly ref struct Canvas
{
    // Less than half a step of 8 bits: nothing behind can be seen.
    private const float InvisibleShare = 1f / 512;

    private const int Lanes = 8;

    private readonly int _side;
    private readonly Span<float> _share;
    private readonly Span<float> _red;
    private readonly Span<float> _green;
    private readonly Span<float> _blue;

    /// <summary>Nothing is laid yet.</summary>
    /// <param name="side">Height and width, in pixels.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/> floats, any content.</param>
    public Canvas(int side, Span<float> scratch)
    {
        int pixels = side * side;
        _side = side;
        _share = scratch[..pixels];
        _red = scratch.Slice(pixels, pixels);
        _green = scratch.Slice(2 * pixels, pixels);
        _blue = scratch.Slice(3 * pixels, pixels);
        _share.Fill(1);
        scratch[pixels..ScratchLength(side)].Clear();
    }

    /// <summary>Floats of scratch for a side: four planes, and what the last line's vector reads beyond.</summary>
    public static int ScratchLength(int side) => (4 * side * side) + Lanes;

    /// <summary>Lays a leaf behind those before; everywhere: its colour without its outline.</summary>
    public void Lay(in Leaf leaf, bool everywhere)
    {
        int top = everywhere ? 0 : Math.Max(0, (int)(leaf.CenterY - leaf.Reach));
        int bottom = everywhere ? _side : Math.Min(_side, (int)(leaf.CenterY + leaf.Reach) + 1);
        int left = everywhere ? 0 : Math.Max(0, (int)(leaf.CenterX - leaf.Reach));
        int right = everywhere ? _side : Math.Min(_side, (int)(leaf.CenterX + leaf.Reach) + 1);
        for (int y = top; y < bottom; y++)
        {
            float dy = y + 0.5f - leaf.CenterY;
            for (int x = left; x < right; x += Lanes)
            {
                int pixel = (y * _side) + x;
                Vector256<float> visible = Load(_share, pixel);
                Vector256<float> isOpen = Vector256.GreaterThanOrEqual(visible, Vector256.Create(InvisibleShare))
                    & Vector256.LessThan(Vector256<float>.Indices, Vector256.Create((float)(right - x)));
                if (isOpen == Vector256<float>.Zero)
                {
                    continue;
                }

                Vector256<float> dx = Vector256<float>.Indices + Vector256.Create(x + 0.5f)
                    - Vector256.Create(leaf.CenterX);
                Vector256<float> taken = isOpen & (everywhere ? visible : visible * leaf.Coverage(dx, dy));
                if (taken != Vector256<float>.Zero)
                {
                    // Nothing is taken of some of the pixels, and nothing added to them.
                    Store(_share, pixel, visible - taken);
                    AddLight(leaf, dx, dy, pixel, taken);
                }
            }
        }
    }

    /// <summary>
    /// A lens: each pixel becomes (1 - 2 share) of itself and a share of its neighbours, along both axes.
    /// </summary>
    /// <param name="share">0 for none, to 1/3.</param>
    public void Blur(float share)
    {
        BlurPlane(_red, share);
        BlurPlane(_green, share);
        BlurPlane(_blue, share);
    }

    /// <summary>Writes the image: [3, side, side], 255 times the value, rounded.</summary>
    public void Develop(Span<byte> image)
    {
        int pixels = _side * _side;
        for (int i = 0; i < pixels; i++)
        {
            image[i] = ToByte(_red[i]);
            image[pixels + i] = ToByte(_green[i]);
            image[(2 * pixels) + i] = ToByte(_blue[i]);
        }
    }

    private void AddLight(in Leaf leaf, Vector256<float> dx, float dy, int pixel, Vector256<float> taken)
    {
        Vector256<float> shade = (dx * leaf.SlopeX) + Vector256.Create(dy * leaf.SlopeY);
        if (leaf.Roughness > 0)
        {
            shade += leaf.Roughness * leaf.Texture(dx, dy);
        }

        Store(_red, pixel, Load(_red, pixel) + (taken * (Vector256.Create(leaf.Red) + shade)));
        Store(_green, pixel, Load(_green, pixel) + (taken * (Vector256.Create(leaf.Green) + shade)));
        Store(_blue, pixel, Load(_blue, pixel) + (taken * (Vector256.Create(leaf.Blue) + shade)));
    }

    /// <summary>A plane's last pixels have the next plane behind them, or what the scratch has more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Load(Span<float> plane, int pixel) =>
        Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(plane), (nuint)pixel);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Span<float> plane, int pixel, Vector256<float> values) =>
        values.StoreUnsafe(ref MemoryMarshal.GetReference(plane), (nuint)pixel);

    private static byte ToByte(float value) => (byte)((Math.Clamp(value, 0, 1) * 255) + 0.5f);

    private void BlurPlane(Span<float> plane, float share)
    {
        for (int line = 0; line < _side; line++)
        {
            BlurLine(plane[(line * _side)..], 1, share);
        }

        for (int column = 0; column < _side; column++)
        {
            BlurLine(plane[column..], _side, share);
        }
    }

    /// <summary>The edge's neighbour outside is the edge itself.</summary>
    private void BlurLine(Span<float> line, int stride, float share)
    {
        float before = line[0];
        for (int i = 0; i < _side; i++)
        {
            float here = line[i * stride];
            float after = i + 1 < _side ? line[(i + 1) * stride] : here;
            line[i * stride] = here + (share * ((before - here) + (after - here)));
            before = here;
        }
    }
}
