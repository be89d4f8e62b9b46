namespace Distributed.Framework.Layers;

/// <summary>A block that enlarges images: nearest upsampling, then a convolution that keeps the size.</summary>
/// <remarks>Shapes: x [N, In, H, W], y [N, Out, H Scale, W Scale]. In a model it is a Sequential of the two.</remarks>
public static class Upsampling
{
    /// <summary>Makes the block.</summary>
    /// <param name="in">Input channels.</param>
    /// <param name="out">Output channels.</param>
    /// <param name="k">Side of the convolution's kernel, in pixels.</param>
    /// <param name="scale">How often each pixel is repeated, both ways.</param>
    /// <param name="bias">Whether the convolution learns a constant for each output channel.</param>
    /// <exception cref="Errors.ConfigurationException">An argument is out of range.</exception>
    public static Sequential Create(int @in, int @out, int k = 3, int scale = 2, bool bias = true) =>
        new(new NearestUpsample2d(scale), new Conv2d(@in, @out, k, padding: Conv2d.Same, bias: bias));
}
