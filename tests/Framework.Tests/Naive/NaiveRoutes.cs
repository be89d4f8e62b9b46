using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Naive;

/// <summary>Layers that only copy: for each output, which input it is.</summary>
internal static class NaiveRoutes
{
    public static (ImageShape Shape, int[] From) Upsample(NearestUpsample2d layer, ImageShape input)
    {
        ImageShape output = new(input.C, input.H * layer.Scale, input.W * layer.Scale);
        return (output, Fill(output, (c, y, x) => Index(input, c, y / layer.Scale, x / layer.Scale)));
    }

    public static (ImageShape Shape, int[] From) Shuffle(PixelShuffle layer, ImageShape input)
    {
        int r = layer.UpscaleFactor;
        ImageShape output = new(input.C / (r * r), input.H * r, input.W * r);
        return (output, Fill(
            output, (c, y, x) => Index(input, (c * r * r) + (y % r * r) + (x % r), y / r, x / r)));
    }

    public static (ImageShape Shape, int[] From) Unshuffle(PixelUnshuffle layer, ImageShape input)
    {
        int r = layer.DownscaleFactor;
        ImageShape output = new(input.C * r * r, input.H / r, input.W / r);
        return (output, Fill(
            output, (c, y, x) => Index(input, c / (r * r), (y * r) + (c / r % r), (x * r) + (c % r))));
    }

    public static (ImageShape Shape, int[] From) MaxPool(MaxPool2d layer, ImageShape input, double[] values)
    {
        ImageShape output = new(
            input.C,
            ((input.H + (2 * layer.Padding) - layer.K) / layer.Stride) + 1,
            ((input.W + (2 * layer.Padding) - layer.K) / layer.Stride) + 1);
        return (output, Fill(output, (c, y, x) =>
        {
            int best = -1;
            for (int ky = 0; ky < layer.K; ky++)
            {
                for (int kx = 0; kx < layer.K; kx++)
                {
                    int inY = (y * layer.Stride) - layer.Padding + ky;
                    int inX = (x * layer.Stride) - layer.Padding + kx;
                    if (inY >= 0 && inX >= 0 && inY < input.H && inX < input.W)
                    {
                        int index = Index(input, c, inY, inX);
                        best = best < 0 || values[index] > values[best] ? index : best;
                    }
                }
            }

            return best;
        }));
    }

    private static int Index(ImageShape shape, int c, int y, int x) => (((c * shape.H) + y) * shape.W) + x;

    private static int[] Fill(ImageShape shape, Func<int, int, int, int> source) =>
    [
        .. from c in Enumerable.Range(0, shape.C)
           from y in Enumerable.Range(0, shape.H)
           from x in Enumerable.Range(0, shape.W)
           select source(c, y, x),
    ];
}
