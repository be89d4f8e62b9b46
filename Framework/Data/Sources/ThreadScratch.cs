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

    /// <summary>Room for an image on its way to its noisy copies; any content. One use at a time.</summary>
    public static Span<float> ForImage(int length) => Take(ref t_buffer, length);

    /// <summary>Room for drawing an image; any content. One use at a time.</summary>
    public static Span<float> ForDrawing(int length) => Take(ref t_drawing, length);

    /// <summary>Room for a mask of pixels; any content. One use at a time.</summary>
    public static Span<float> ForMask(int length) => Take(ref t_mask, length);

    /// <summary>Room for an image before it is flipped or rotated; any content. One use at a
    /// time.</summary>
    public static Span<float> ForTransform(int length) => Take(ref t_transform, length);

    private static Span<float> Take(ref float[]? buffer, int length)
    {
        if (buffer is null || buffer.Length < length)
        {
            buffer = new float[length];
        }

        return buffer.AsSpan(0, length);
    }
}
