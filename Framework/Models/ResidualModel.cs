using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>A small residual U-Net: what it computes is added to its input, and so is each of its parts.</summary>
/// <remarks>
/// <code>
/// x + up2(block(block2(down2(x)))), where each level lies inside the next:
/// 1/2   C channels       block, level below, block
/// 1/4   2 C channels     block, level below, block
/// 1/8   3 C channels     two blocks
/// </code>
/// A block is x + conv(relu(conv(x))) with 3x3 kernels; down is a convolution and up a transposed one, of kernel 2 and
/// stride 2. The input passes through, so colours stay from the first step on; coarse levels see far, which smooth
/// areas under strong noise need. There is no activation outside a block: one that dies there silences its level.
/// Chosen by measurement (docs/results.md). Images must have sides that 8 divides. The noise level is one more channel
/// of what the first convolution takes, but for <c>level=blind</c>.
/// </remarks>
internal static class ResidualModel
{
    public static Sequential Build(int images, ModelOverrides overrides)
    {
        int half = overrides.Int("channels", 32, 1, 1024);
        int quarter = 2 * half;
        int eighth = 3 * half;
        Residual inner = Level(quarter, eighth, Block(eighth), Block(eighth));
        Residual middle = Level(half, quarter, Block(quarter), inner, Block(quarter));
        bool takesLevel = overrides.WordOf("level", "map", "blind") == "map";
        Layer[] down = takesLevel
            ? [new NoiseLevelMap(), new Conv2d(images + 1, half, 2, stride: 2)]
            : [new Conv2d(images, half, 2, stride: 2)];
        return new Sequential(Level(down, half, images, Block(half), middle, Block(half)));
    }

    private static Residual Level(int outer, int inner, params Layer[] layers) =>
        Level([new Conv2d(outer, inner, 2, stride: 2)], inner, outer, layers);

    private static Residual Level(Layer[] down, int inner, int outer, params Layer[] layers) => new(new Sequential(
        [.. down, .. layers, new ConvTranspose2d(inner, outer, 2, stride: 2)]));

    private static Residual Block(int channels) => new(new Sequential(
        new Conv2d(channels, channels, 3, padding: 1), new ReLU(), new Conv2d(channels, channels, 3, padding: 1)));
}
