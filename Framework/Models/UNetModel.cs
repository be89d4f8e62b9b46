using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>The U-Net of the Noise2Noise paper: five poolings, each level joined with its upsampled inside.</summary>
/// <remarks>
/// <code>
/// enc_conv0, enc_conv1   48 channels, pool to 1/2     skipped: the input
/// enc_conv2 .. 5         48 channels, pool each       skipped: the level's input, pool1 .. pool4
/// enc_conv6              48 channels at 1/32, upsample
/// dec_conv5 .. 2, a, b   96 channels, upsample
/// dec_conv1 a, b, c      64, 32 and the image's channels; the last is linear
/// </code>
/// All convolutions are 3x3 with LeakyReLU 0.1; 991,203 parameters at 3 channels. Images must have sides that 32
/// divides. The skipped part comes first in a concatenation, in the paper last. Source: Lehtinen et al. 2018,
/// "Noise2Noise: Learning Image Restoration without Clean Data", appendix, table 2.
/// </remarks>
internal static class UNetModel
{
    private const int Levels = 5;
    private const double Slope = 0.1;

    public static Sequential Build(int images, ModelOverrides overrides)
    {
        int channels = overrides.Int("channels", 48, 1, 1024);
        List<Layer> inner = [];
        Add(inner, channels, channels);
        inner.Add(new NearestUpsample2d(2));
        int insideChannels = channels;
        for (int level = Levels; level > 1; level--)
        {
            // The level's encoder, what lies inside it, and its decoder; then up to the level above.
            List<Layer> outer = [];
            Add(outer, channels, channels);
            outer.Add(new MaxPool2d(2));
            outer.AddRange(inner);
            inner = [new SkipConcat(new Sequential(outer))];
            Add(inner, channels + insideChannels, 2 * channels);
            Add(inner, 2 * channels, 2 * channels);
            inner.Add(new NearestUpsample2d(2));
            insideChannels = 2 * channels;
        }

        List<Layer> first = [];
        Add(first, images, channels);
        Add(first, channels, channels);
        first.Add(new MaxPool2d(2));
        first.AddRange(inner);
        List<Layer> layers = [new SkipConcat(new Sequential(first))];
        Add(layers, images + insideChannels, 64);
        Add(layers, 64, 32);
        layers.Add(new Conv2d(32, images, 3, padding: 1));
        return new Sequential(layers);
    }

    private static void Add(List<Layer> layers, int @in, int @out)
    {
        layers.Add(new Conv2d(@in, @out, 3, padding: 1));
        layers.Add(new LeakyReLU(Slope));
    }
}
