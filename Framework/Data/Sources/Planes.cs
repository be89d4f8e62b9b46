using Distributed.Framework.Tensors;

namespace Distributed.Framework.Data.Sources;

/// <summary>From pixels with their channels together to one plane a channel.</summary>
internal static class Planes
{
    /// <summary>[N, H, W, C] to [N, C, H, W]; with one channel the array itself.</summary>
    public static T[] FromInterleaved<T>(T[] values, ImageShape shape)
    {
        if (shape.C == 1)
        {
            return values;
        }

        T[] planes = new T[values.Length];
        int pixels = shape.H * shape.W;
        for (int start = 0; start < values.Length; start += shape.Elements)
        {
            for (int c = 0; c < shape.C; c++)
            {
                for (int i = 0; i < pixels; i++)
                {
                    planes[start + (c * pixels) + i] = values[start + (i * shape.C) + c];
                }
            }
        }

        return planes;
    }
}
