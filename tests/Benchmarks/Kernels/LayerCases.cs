using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks.Kernels;

/// <summary>Activations, pooling, upsampling, normalization and sums over one image, line by line.</summary>
internal static unsafe class LayerCases
{
    private const int Channels = 100;
    private const int Side = 32;

    /// <summary>Pooling and upsampling as in n2n-unet.</summary>
    private const int UNetChannels = 48;

    private static readonly (string Name, ActivationKind Kind)[] s_activations =
    [
        ("ReLU", ActivationKind.ReLU),
        ("LeakyReLU", ActivationKind.LeakyReLU(0.1f)),
        ("sigmoid", ActivationKind.Sigmoid),
        ("tanh", ActivationKind.Tanh),
        ("ELU", ActivationKind.ELU(1)),
        ("SELU", ActivationKind.SELU),
    ];

    private delegate void LineKernel(KernelSet kernels, int y);

    public static IEnumerable<KernelCase> All()
    {
        foreach ((string name, ActivationKind kind) in s_activations)
        {
            yield return Create($"{name}: forward", passes: 2, () => Activation(kind));
            yield return Create($"{name}: backward", passes: 3, () => ActivationBackward(kind));
        }

        foreach (KernelCase pool in Scaling())
        {
            yield return pool;
        }

        yield return Create("batch normalization: sums", passes: 1, () => PixelSums(squares: false));
        yield return Create("batch normalization: squares", passes: 1, () => PixelSums(squares: true));
        yield return Create("batch normalization: forward", passes: 2, () => Normalization((kernels, line) =>
            kernels.Normalize(line)));
        yield return Create("batch normalization: products", passes: 2, () => Normalization((kernels, line) =>
            kernels.AddNormalizationProducts(line)));
        yield return Create("batch normalization: backward", passes: 3, () => Normalization((kernels, line) =>
            kernels.NormalizeBackward(line)));
        yield return Create("sum of two images", passes: 3, Sum);
    }

    /// <summary>A case over the lines of images of <see cref="Channels"/>.</summary>
    private static KernelCase Create(string name, int passes, Func<LineKernel> prepare) => new(
        $"{name}, {Channels} at {Side}x{Side}", Work.Bytes, passes * new Image(Channels, Side).Bytes, kernels =>
        {
            LineKernel kernel = prepare();
            return () =>
            {
                for (int y = 0; y < Side; y++)
                {
                    kernel(kernels, y);
                }
            };
        });

    private static LineKernel Activation(ActivationKind kind)
    {
        Image source = new(Channels, Side);
        Image target = new(Channels, Side);
        return (kernels, y) => kernels.Activate(
            kind, source.Line(y), source.Floats, target.Line(y), target.Floats, Side, source.Floats);
    }

    private static LineKernel ActivationBackward(ActivationKind kind)
    {
        Image output = new(Channels, Side);
        Image gradient = new(Channels, Side);
        Image target = new(Channels, Side);
        return (kernels, y) => kernels.ActivateBackward(kind, new BackwardLine
        {
            Output = output.Line(y),
            OutputGradient = gradient.Line(y),
            Pixel = output.Floats,
            InputGradient = target.Line(y),
            InputPixel = target.Floats,
            Pixels = Side,
            Channels = output.Floats,
            Accumulate = false,
        });
    }

    /// <summary>Halving and doubling of the sides; bytes are those of both images, and of the taps.</summary>
    private static IEnumerable<KernelCase> Scaling()
    {
        double bytes = new Image(UNetChannels, Side).Bytes;
        string size = $"{UNetChannels} at {Side}x{Side}";
        yield return new KernelCase($"max pooling 2x2: forward, {size}", Work.Bytes, 1.5 * bytes, kernels =>
            Pooling(line => kernels.MaxPool(line)));
        yield return new KernelCase($"max pooling 2x2: backward, {size}", Work.Bytes, 1.5 * bytes, kernels =>
            Pooling(line => kernels.MaxPoolBackward(line)));
        yield return new KernelCase($"nearest upsampling 2x2: forward, {size}", Work.Bytes, 1.25 * bytes, kernels =>
            Upsampling(line => kernels.Upsample(line)));
        yield return new KernelCase($"nearest upsampling 2x2: backward, {size}", Work.Bytes, 1.25 * bytes, kernels =>
            Upsampling(line => kernels.UpsampleBackward(line)));
    }

    private static Action Pooling(Action<PoolingLine> kernel)
    {
        Image input = new(UNetChannels, Side);
        Image output = new(UNetChannels, Side / 2);
        Image taps = new(UNetChannels, Side / 2);
        new Span<float>(taps.Pixels, (int)taps.Node.ImageFloats).Fill(3);
        return () =>
        {
            for (int y = 0; y < output.Side; y++)
            {
                kernel(new PoolingLine
                {
                    Input = input.Pixels,
                    InputPixel = input.Floats,
                    InputLine = input.Node.LineFloats,
                    H = input.Side,
                    W = input.Side,
                    K = 2,
                    Stride = 2,
                    Padding = 0,
                    Y = y,
                    Output = output.Line(y),
                    OutputPixel = output.Floats,
                    Taps = taps.Line(y),
                    TapsPixel = taps.Floats,
                    Pixels = output.Side,
                    Channels = input.Floats,
                });
            }
        };
    }

    private static Action Upsampling(Action<UpsamplingLine> kernel)
    {
        Image input = new(UNetChannels, Side / 2);
        Image output = new(UNetChannels, Side);
        return () =>
        {
            for (int y = 0; y < input.Side; y++)
            {
                kernel(new UpsamplingLine
                {
                    Input = input.Line(y),
                    InputPixel = input.Floats,
                    Output = output.Line(2 * y),
                    OutputPixel = output.Floats,
                    OutputLine = output.Node.LineFloats,
                    Scale = 2,
                    Pixels = input.Side,
                    Channels = input.Floats,
                });
            }
        };
    }

    private static LineKernel PixelSums(bool squares)
    {
        Image source = new(Channels, Side);
        AlignedBuffer mean = Image.Numbers(source.Floats);
        AlignedBuffer sums = new(source.Floats);
        return squares
            ? (kernels, y) => kernels.AddSquares(
                source.Line(y), source.Floats, Side, source.Floats, mean.Pointer, sums.Pointer)
            : (kernels, y) => kernels.AddPixels(source.Line(y), source.Floats, Side, source.Floats, sums.Pointer);
    }

    private static LineKernel Normalization(Action<KernelSet, NormalizationLine> kernel)
    {
        Image input = new(Channels, Side);
        Image output = new(Channels, Side);
        Image target = new(Channels, Side);
        AlignedBuffer vectors = Image.Numbers(6 * input.Floats);
        return (kernels, y) => kernel(kernels, new NormalizationLine
        {
            Input = input.Line(y),
            InputPixel = input.Floats,
            Output = output.Line(y),
            OutputPixel = output.Floats,
            Pixels = Side,
            Channels = input.Floats,
            Mean = vectors.Pointer,
            Scale = vectors.Pointer + input.Floats,
            Shift = vectors.Pointer + (2 * input.Floats),
            Slope = vectors.Pointer + (3 * input.Floats),
            InputGradient = target.Line(y),
            Sums = vectors.Pointer + (4 * input.Floats),
            Products = vectors.Pointer + (5 * input.Floats),
        });
    }

    private static LineKernel Sum()
    {
        Image a = new(Channels, Side);
        Image b = new(Channels, Side);
        Image target = new(Channels, Side);
        return (kernels, y) => kernels.AddLines(new SumLine
        {
            A = a.Line(y),
            APixel = a.Floats,
            B = b.Line(y),
            BPixel = b.Floats,
            Target = target.Line(y),
            TargetPixel = target.Floats,
            Pixels = Side,
            Channels = a.Floats,
        });
    }
}
