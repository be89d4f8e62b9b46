namespace Distributed.Framework.Data.Sources;

/// <summary>A buffer of each thread's own, so that reading a pair allocates only the first time.</summary>
internal static class ThreadScratch
{
    [ThreadStatic]
    private static float[]? t_buffer;

    [ThreadStatic]
    private static float[]? t_drawing;

    [ThreadStatic]
    private static float[]? t_transform;

    [ThreadStatic]
    private static float[]? t_mask;

    [ThreadStatic]
    private static float[]? t_noise;

    [ThreadStatic]
    private static byte[]? t_bytes;

    /// <summary>Room for an image on its way to its noisy copies; any content. One use at a time.</summary>
    public static Span<float> ForImage(int length) => Take(ref t_buffer, length);

    /// <summary>Room for drawing an image; any content. One use at a time.</summary>
    public static Span<float> ForDrawing(int length) => Take(ref t_drawing, length);

    /// <summary>Room for a mask of pixels; any content. One use at a time.</summary>
    public static Span<float> ForMask(int length) => Take(ref t_mask, length);

    /// <summary>Room for rows of noise before they are added; any content. One use at a time.</summary>
    public static Span<float> ForNoise(int length) => Take(ref t_noise, length);

    /// <summary>Room for an image before it is flipped or rotated; any content. One use at a
    /// time.</summary>
    public static Span<float> ForTransform(int length) => Take(ref t_transform, length);

    /// <summary>Room for bytes of a file before they are converted; any content. One use at a time.</summary>
    public static Span<byte> ForBytes(int length) => Take(ref t_bytes, length);

    private static Span<T> Take<T>(ref T[]? buffer, int length)
    {
        if (buffer is null || buffer.Length < length)
        {
            buffer = new T[length];
        }

        return buffer.AsSpan(0, length);
    }
}
