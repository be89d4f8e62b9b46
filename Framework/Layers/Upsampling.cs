namespace Distributed.Framework.Layers;

/// <summary>A block that enlarges images: nearest upsampling, then a convolution.</summary>
/// <remarks>
/// Shapes: x [N, In, H, W], y [N, Out, H Scale, W Scale] if the convolution's stride is 1, which keeps the size. With a
/// stride it has (K - 1) / 2 zeros on every side: for odd kernels y is H Scale / Stride high, rounded up. In a model it
/// is a Sequential of the two.
/// </remarks>
public static class Upsampling
{
    /// <summary>Makes the block.</summary>
    /// <param name="in">Input channels.</param>
    /// <param name="out">Output channels.</param>
    /// <param name="k">Side of the convolution's kernel, in pixels.</param>
    /// <param name="scale">How often each pixel is repeated, both ways.</param>
    /// <param name="bias">Whether the convolution learns a constant for each output channel.</param>
    /// <param name="stride">The convolution's, in pixels of the enlarged image.</param>
    /// <exception cref="Errors.ConfigurationException">An argument is out of range.</exception>
    public static Sequential Create(
        int @in, int @out, int k = 3, int scale = 2, bool bias = true, int stride = 1) => new(
            new NearestUpsample2d(scale),
            new Conv2d(@in, @out, k, stride, stride == 1 ? Conv2d.Same : (k - 1) / 2, bias));
}
