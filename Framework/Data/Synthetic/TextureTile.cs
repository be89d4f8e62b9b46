using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Data.Synthetic;

/// <summary>One periodic tile of fractal noise, from which every leaf takes its texture.</summary>
/// <remarks>
/// A sum of octaves of smoothly interpolated lattice noise whose amplitude falls as the frequency rises (1 / f, as
/// natural surfaces do); mean 0, standard deviation about 1. Drawn once from a fixed key: the same in every run.
/// </remarks>
internal static class TextureTile
{
    /// <summary>Pixels a side; a power of two, so that coordinates wrap with a mask.</summary>
    public const int Side = 128;

    private const int CoarsestCell = 32;
    private static readonly float[] s_values = Draw();

    /// <summary>The texture at points, by linear interpolation.</summary>
    public static Vector256<float> At(Vector256<float> x, Vector256<float> y)
    {
        // Shifted to positive numbers, so that truncation rounds down.
        Vector256<float> shift = Vector256.Create((float)(1 << 14));
        Vector256<float> shiftedX = x + shift;
        Vector256<float> shiftedY = y + shift;
        Vector256<int> column = Vector256.ConvertToInt32Native(shiftedX);
        Vector256<int> row = Vector256.ConvertToInt32Native(shiftedY);
        Vector256<float> fractionX = shiftedX - Vector256.ConvertToSingle(column);
        Vector256<float> fractionY = shiftedY - Vector256.ConvertToSingle(row);
        Vector256<int> mask = Vector256.Create(Side - 1);
        Vector256<int> left = column & mask;
        Vector256<int> right = (column + Vector256<int>.One) & mask;
        Vector256<int> upper = (row & mask) * Side;
        Vector256<int> lower = ((row + Vector256<int>.One) & mask) * Side;
        Vector256<float> upperLeft = Values(upper + left);
        Vector256<float> lowerLeft = Values(lower + left);
        Vector256<float> top = upperLeft + (fractionX * (Values(upper + right) - upperLeft));
        Vector256<float> bottom = lowerLeft + (fractionX * (Values(lower + right) - lowerLeft));
        return top + (fractionY * (bottom - top));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Values(Vector256<int> at)
    {
        float[] values = s_values;
        return Vector256.Create(
            values[at[0]],
            values[at[1]],
            values[at[2]],
            values[at[3]],
            values[at[4]],
            values[at[5]],
            values[at[6]],
            values[at[7]]);
    }

    private static float[] Draw()
    {
        float[] values = new float[Side * Side];
        Philox random = new(0x7E47, RandomPurpose.SyntheticTraining);
        float amplitude = 1;
        uint octave = 0;
        for (int cell = CoarsestCell; cell >= 1; cell /= 2)
        {
            AddOctave(values, random, octave++, cell, amplitude);
            amplitude *= 0.62f;
        }

        float mean = 0;
        float square = 0;
        foreach (float value in values)
        {
            mean += value / values.Length;
            square += value * value / values.Length;
        }

        float scale = 1 / MathF.Sqrt(square - (mean * mean));
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (values[i] - mean) * scale;
        }

        return values;
    }

    private static void AddOctave(float[] values, Philox random, uint octave, int cell, float amplitude)
    {
        int nodes = Side / cell;
        float[] lattice = new float[nodes * nodes];
        Gaussian.Fill(random, uint.MaxValue, octave, 0, lattice);
        for (int y = 0; y < Side; y++)
        {
            int row = y / cell;
            float fractionY = Smooth((y % cell) / (float)cell);
            for (int x = 0; x < Side; x++)
            {
                int column = x / cell;
                float fractionX = Smooth((x % cell) / (float)cell);
                float top = Mix(lattice, nodes, row, column, fractionX);
                float bottom = Mix(lattice, nodes, (row + 1) % nodes, column, fractionX);
                values[(y * Side) + x] += amplitude * (top + (fractionY * (bottom - top)));
            }
        }
    }

    private static float Mix(float[] lattice, int nodes, int row, int column, float fraction)
    {
        float left = lattice[(row * nodes) + column];
        float right = lattice[(row * nodes) + ((column + 1) % nodes)];
        return left + (fraction * (right - left));
    }

    private static float Smooth(float t) => t * t * (3 - (2 * t));
}
