using System.Text.Json.Nodes;
using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>How one kind of layer is read from JSON and written to it.</summary>
/// <param name="Parse">Makes the layer of its arguments.</param>
/// <param name="Write">Adds a layer's arguments.</param>
internal sealed record LayerFormat(Func<LayerArguments, Layer> Parse, Action<Layer, JsonObject> Write);

/// <summary>The layers that models are made of: names in JSON, with PyTorch's arguments and defaults.</summary>
internal static class LayerFormats
{
    /// <summary>By the name of the layer's type.</summary>
    public static IReadOnlyDictionary<string, LayerFormat> All { get; } =
        new Dictionary<string, LayerFormat>(StringComparer.Ordinal)
        {
            [nameof(Conv2d)] = Format<Conv2d>(ParseConv2d, WriteConv2d),
            [nameof(ConvTranspose2d)] = Format<ConvTranspose2d>(ParseConvTranspose2d, WriteConvTranspose2d),
            [nameof(Linear)] = Format<Linear>(ParseLinear, WriteLinear),
            [nameof(NearestUpsample2d)] = Format<NearestUpsample2d>(
                arguments => new NearestUpsample2d(arguments.Int("scale_factor", 2)),
                (layer, json) => json["scale_factor"] = layer.Scale),
            [nameof(Upsampling)] = new(
                arguments => arguments.Create(() => Upsampling.Create(
                    arguments.Int("in_channels"),
                    arguments.Int("out_channels"),
                    arguments.Int("kernel_size", 3),
                    arguments.Int("scale_factor", 2),
                    arguments.Bool("bias", true),
                    arguments.Int("stride", 1))),
                (_, _) => { }), // It is written as the Sequential that it is.
            [nameof(MaxPool2d)] = Format<MaxPool2d>(ParseMaxPool2d, WriteMaxPool2d),
            [nameof(PixelShuffle)] = Format<PixelShuffle>(
                arguments => new PixelShuffle(arguments.Int("upscale_factor")),
                (layer, json) => json["upscale_factor"] = layer.UpscaleFactor),
            [nameof(PixelUnshuffle)] = Format<PixelUnshuffle>(
                arguments => new PixelUnshuffle(arguments.Int("downscale_factor")),
                (layer, json) => json["downscale_factor"] = layer.DownscaleFactor),
            [nameof(NoiseLevelMap)] = Format<NoiseLevelMap>(_ => new NoiseLevelMap()),
            [nameof(BatchNorm2d)] = Format<BatchNorm2d>(ParseBatchNorm2d, WriteBatchNorm2d),
            [nameof(Dropout)] = Format<Dropout>(
                arguments => new Dropout(arguments.Double("p", 0.5)), (layer, json) => json["p"] = layer.P),
            [nameof(Flatten)] = Format<Flatten>(_ => new Flatten()),
            [nameof(ReLU)] = Format<ReLU>(_ => new ReLU()),
            [nameof(LeakyReLU)] = Format<LeakyReLU>(
                arguments => new LeakyReLU(arguments.Double("negative_slope", 0.01)),
                (layer, json) => json["negative_slope"] = layer.NegativeSlope),
            [nameof(Sigmoid)] = Format<Sigmoid>(_ => new Sigmoid()),
            [nameof(Tanh)] = Format<Tanh>(_ => new Tanh()),
            [nameof(ELU)] = Format<ELU>(
                arguments => new ELU(arguments.Double("alpha", 1)), (layer, json) => json["alpha"] = layer.Alpha),
            [nameof(SELU)] = Format<SELU>(_ => new SELU()),
            [nameof(Sequential)] = Container<Sequential>(inner => inner, layer => layer),
            [nameof(SkipConcat)] = Container<SkipConcat>(inner => new SkipConcat(inner), layer => layer.Inner),
            [nameof(Residual)] = Container<Residual>(inner => new Residual(inner), layer => layer.Inner),
        };

    private static LayerFormat Format<TLayer>(
        Func<LayerArguments, TLayer> parse, Action<TLayer, JsonObject>? write = null)
        where TLayer : Layer =>
        new(arguments => arguments.Create(() => parse(arguments)), (layer, json) => write?.Invoke((TLayer)layer, json));

    private static LayerFormat Container<TLayer>(Func<Sequential, TLayer> create, Func<TLayer, Sequential> inner)
        where TLayer : Layer => new(
            arguments => create(arguments.Layers("inner")),
            (layer, json) => json["inner"] = ModelSpec.Write(inner((TLayer)layer)));

    private static Conv2d ParseConv2d(LayerArguments arguments)
    {
        bool isSame = arguments.IsString("padding", "same");
        return new Conv2d(
            arguments.Int("in_channels"),
            arguments.Int("out_channels"),
            arguments.Int("kernel_size"),
            arguments.Int("stride", 1),
            isSame ? Conv2d.Same : Padding(arguments),
            arguments.Bool("bias", true));
    }

    private static void WriteConv2d(Conv2d layer, JsonObject json)
    {
        WriteConvolution(layer, json);
        json["padding"] = layer.Padding == Conv2d.Same ? "same" : layer.Padding;
    }

    private static ConvTranspose2d ParseConvTranspose2d(LayerArguments arguments) => new(
        arguments.Int("in_channels"),
        arguments.Int("out_channels"),
        arguments.Int("kernel_size"),
        arguments.Int("stride", 1),
        Padding(arguments),
        arguments.Int("output_padding", 0),
        arguments.Bool("bias", true));

    private static void WriteConvTranspose2d(ConvTranspose2d layer, JsonObject json)
    {
        WriteConvolution(layer, json);
        json["padding"] = layer.Padding;
        json["output_padding"] = layer.OutputPadding;
    }

    /// <summary>Checked here, since the number that stands for 'same' is negative.</summary>
    private static int Padding(LayerArguments arguments) =>
        arguments.Int("padding", 0) is var padding and >= 0
            ? padding
            : throw arguments.Fault($"'padding' is {arguments.Int("padding")}; allowed are 0 to 256, and \"same\"");

    private static void WriteConvolution(ConvolutionLayer layer, JsonObject json)
    {
        json["in_channels"] = layer.In;
        json["out_channels"] = layer.Out;
        json["kernel_size"] = layer.K;
        json["stride"] = layer.Stride;
        json["bias"] = layer.Bias;
    }

    private static Linear ParseLinear(LayerArguments arguments) => new(
        arguments.Int("in_features"), arguments.Int("out_features"), arguments.Bool("bias", true));

    private static void WriteLinear(Linear layer, JsonObject json)
    {
        json["in_features"] = layer.In;
        json["out_features"] = layer.Out;
        json["bias"] = layer.Bias;
    }

    private static MaxPool2d ParseMaxPool2d(LayerArguments arguments)
    {
        int k = arguments.Int("kernel_size");
        return new MaxPool2d(k, arguments.Int("stride", k), arguments.Int("padding", 0));
    }

    private static void WriteMaxPool2d(MaxPool2d layer, JsonObject json)
    {
        json["kernel_size"] = layer.K;
        json["stride"] = layer.Stride;
        json["padding"] = layer.Padding;
    }

    private static BatchNorm2d ParseBatchNorm2d(LayerArguments arguments) => new(
        arguments.Int("num_features"),
        arguments.Double("eps", 1e-5),
        arguments.Double("momentum", 0.1),
        arguments.Bool("affine", true));

    private static void WriteBatchNorm2d(BatchNorm2d layer, JsonObject json)
    {
        json["num_features"] = layer.Channels;
        json["eps"] = layer.Epsilon;
        json["momentum"] = layer.Momentum;
        json["affine"] = layer.Affine;
    }
}
