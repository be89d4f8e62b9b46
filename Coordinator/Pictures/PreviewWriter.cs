using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Execution;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Pictures;

/// <summary>Makes pictures of what a model does: noisy, denoised and clean side by side, a row an image.</summary>
/// <remarks>Pixels are repeated, never smoothed, so that small images can be looked at.</remarks>
public static class PreviewWriter
{
    /// <summary>Pictures shown.</summary>
    public const int Rows = 6;

    private const int SidePixels = 128;
    private const int Gap = 4;

    /// <summary>Renders a few images, spread over the source, as one PNG.</summary>
    public static byte[] Render(Plan plan, Replica replica, PairSource source)
    {
        (int channels, int h, int w) = (source.Shape.C, source.Shape.H, source.Shape.W);
        int shown = channels == 3 ? 3 : 1;
        int scale = Math.Max(1, SidePixels / Math.Max(h, w));
        int rows = Math.Min(Rows, source.Count);
        int width = (3 * w * scale) + (2 * Gap);
        int height = (rows * h * scale) + ((rows - 1) * Gap);
        byte[] pixels = new byte[width * height * shown];
        Array.Fill(pixels, byte.MaxValue);
        Predictor predictor = new(plan);
        for (int row = 0; row < rows; row++)
        {
            source.Read(IndexOf(row, rows, source.Count), 0, predictor.Input, predictor.Target);
            predictor.Run(replica);
            float[][] images = [predictor.Input, predictor.Output, predictor.Target];
            for (int column = 0; column < images.Length; column++)
            {
                int top = row * ((h * scale) + Gap);
                int left = column * ((w * scale) + Gap);
                Paint(images[column], top, left);
            }
        }

        using MemoryStream stream = new();
        PngEncoder.Encode(new PngImage(width, height, shown, pixels), stream);
        return stream.ToArray();

        void Paint(float[] image, int top, int left)
        {
            for (int y = 0; y < h * scale; y++)
            {
                for (int x = 0; x < w * scale; x++)
                {
                    for (int c = 0; c < shown; c++)
                    {
                        float value = image[(((c * h) + (y / scale)) * w) + (x / scale)];
                        pixels[((((top + y) * width) + left + x) * shown) + c] = ToByte(value);
                    }
                }
            }
        }
    }

    /// <summary>The pair of a row: rows are spread over the source.</summary>
    internal static int IndexOf(int row, int rows, int count) => (int)((long)row * count / rows);

    /// <summary>Renders and writes a picture.</summary>
    public static byte[] Write(string path, Plan plan, Replica replica, PairSource source)
    {
        byte[] png = Render(plan, replica, source);
        AtomicFile.WriteAllBytes(path, png);
        return png;
    }

    private static byte ToByte(float value) =>
        float.IsNaN(value) ? (byte)0 : (byte)((Math.Clamp(value, 0f, 1f) * 255) + 0.5f);
}
