using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>
/// Kernels for pixels of at most four channels, too few to fill a vector: what all kernel elements read or give, or
/// all pixels of a line, lies side by side in one row.
/// </summary>
/// <remarks>A row has room for 3 floats more, which arbitrary values fill.</remarks>
internal static unsafe class FewChannels
{
    /// <summary>Most channels.</summary>
    public const int ChannelsMax = 4;

    /// <summary>Most kernel elements: rows of more would take more memory than they save time.</summary>
    public const int TapsMax = 49;

    private const int Group = 16;

    /// <summary>Floats of a row of so many kernel elements, or pixels.</summary>
    public static int RowFloats(int count, int channels) =>
        checked((count * channels) + ChannelsMax - 1 + Group - 1) / Group * Group;

    /// <summary>rows[x] = the channels of pixel x + offset, for all offsets, one after the other.</summary>
    /// <param name="pixels">The line's first pixel.</param>
    /// <param name="pixel">Floats from pixel to pixel.</param>
    /// <param name="offsets">Of the kernel elements, in floats.</param>
    /// <param name="channels">1 to 4.</param>
    /// <param name="rows">The first row, overwritten.</param>
    /// <param name="rowFloats">Floats from row to row.</param>
    /// <param name="count">Pixels in the line.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather(
        float* pixels, nint pixel, int[] offsets, int channels, float* rows, nint rowFloats, int count)
    {
        for (int x = 0; x < count; x++, pixels += pixel, rows += rowFloats)
        {
            // Four floats each time: the next element's overwrite what was too many.
            float* target = rows;
            foreach (int offset in offsets)
            {
                Vector4.Store(target, Vector4.Load(pixels + offset));
                target += channels;
            }
        }
    }

    /// <summary>The channels of pixels, one after the other.</summary>
    /// <param name="pixels">The first pixel.</param>
    /// <param name="pixel">Floats from pixel to pixel.</param>
    /// <param name="channels">1 to 4.</param>
    /// <param name="target">Overwritten; arbitrary values fill 3 more floats.</param>
    /// <param name="count">Pixels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyPixels(float* pixels, nint pixel, int channels, float* target, int count)
    {
        for (int x = 0; x < count; x++, pixels += pixel, target += channels)
        {
            Vector4.Store(target, Vector4.Load(pixels));
        }
    }

    /// <summary>output[x] = start + sum over ky, kx of row x + kx of line ky, at that element's channels.</summary>
    /// <param name="lines">K lines of rows, row 0 where output 0 begins to read.</param>
    /// <param name="k">Side of the kernel.</param>
    /// <param name="channels">1 to 4.</param>
    /// <param name="rowFloats">Floats from row to row.</param>
    /// <param name="start">Four floats; null to add to the output.</param>
    /// <param name="output">Output pixel 0; four floats of each are written.</param>
    /// <param name="outputPixel">Floats from pixel to pixel.</param>
    /// <param name="count">Pixels in the line.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddShifted(
        float** lines,
        int k,
        int channels,
        nint rowFloats,
        float* start,
        float* output,
        nint outputPixel,
        int count)
    {
        // From one kernel element to the next on its right, one pixel and its own channels further.
        nint step = rowFloats + channels;
        for (int x = 0; x < count; x++, output += outputPixel)
        {
            Vector4 sum = Vector4.Load(start == null ? output : start);
            for (int ky = 0; ky < k; ky++)
            {
                float* source = lines[ky] + (x * rowFloats) + (ky * k * channels);
                for (int kx = 0; kx < k; kx++, source += step)
                {
                    sum += Vector4.Load(source);
                }
            }

            Vector4.Store(output, sum);
        }
    }
}
