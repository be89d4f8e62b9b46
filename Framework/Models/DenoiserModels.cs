using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>Small networks that give back an image of the size they get.</summary>
internal static class DenoiserModels
{
    private const int ChannelsMax = 4096;

    /// <summary>Output channels of the networks that are compared at about equally many parameters.</summary>
    /// <remarks>At 3 image channels: 20,259, 20,533, 20,729, 20,131 and 20,253 parameters.</remarks>
    private static readonly Dictionary<int, int[]> s_depths = new()
    {
        [4] = [32, 32, 32],
        [6] = [26, 22, 22, 22, 26],
        [8] = [20, 20, 18, 18, 18, 20, 20],
        [10] = [18, 16, 16, 16, 16, 16, 16, 16, 18],
        [12] = [16, 16, 14, 14, 14, 14, 14, 14, 14, 16, 16],
    };

    /// <summary>Two convolutions and two transposed ones, as many channels in each.</summary>
    public static Sequential Initial(int images, ModelOverrides overrides)
    {
        int channels = Channels(overrides, 32);
        return new Sequential(Chain(images, [channels, channels, channels]));
    }

    /// <summary>The same with a connection that skips the middle two.</summary>
    public static Sequential Final(int images, ModelOverrides overrides)
    {
        int channels = Channels(overrides, 100);
        return new Sequential(
            new Conv2d(images, channels, 3, padding: 1),
            new ReLU(),
            new SkipConcat(new Sequential(
                new Conv2d(channels, channels, 3, padding: 1),
                new ReLU(),
                new ConvTranspose2d(channels, channels, 3, padding: 1),
                new ReLU())),
            new ConvTranspose2d(2 * channels, images, 3, padding: 1),
            new Sigmoid());
    }

    /// <summary>4 to 12 layers: the first half convolutions, the second half transposed ones.</summary>
    /// <remarks><c>norm=batch</c> normalizes before each activation but the last, which the report proposes.</remarks>
    public static Sequential Depth(int images, ModelOverrides overrides)
    {
        int[] hidden = s_depths[overrides.IntOf("layers", [.. s_depths.Keys])];
        return new(Chain(images, hidden, overrides.WordOf("norm", "none", "batch") == "batch"));
    }

    /// <summary>Eight plain convolutions of one width.</summary>
    /// <remarks>
    /// A guess: the report that cites "a network with 8 convolutional layers" at 24 dB says no more. The width is that
    /// of its own first model, kernel and activations those of all its models.
    /// </remarks>
    public static Sequential Eight(int images, ModelOverrides overrides)
    {
        int channels = Channels(overrides, 32);
        List<Layer> layers = [];
        for (int i = 0; i < 8; i++)
        {
            layers.Add(new Conv2d(i == 0 ? images : channels, i == 7 ? images : channels, 3, padding: 1));
            layers.Add(i == 7 ? new Sigmoid() : new ReLU());
        }

        return new Sequential(layers);
    }

    /// <summary>
    /// The network that the course prescribes: Conv2d, ReLU, Conv2d, ReLU, Upsampling, ReLU, Upsampling, Sigmoid.
    /// </summary>
    /// <remarks>
    /// Strides are 2; Upsampling is nearest-neighbour upsampling and then a convolution. Kernels of 3 pixels and 32
    /// channels are ours: the course leaves them open. Images must have sides that 4 divides.
    /// </remarks>
    public static Sequential Course(int images, ModelOverrides overrides) =>
        Strided(images, overrides, 32, ["relu", "elu", "selu", "leaky-relu", "tanh"], ["nearest", "transposed"]);

    /// <summary>The course's network as one report found it best: transposed, with ELU and many channels.</summary>
    /// <remarks>
    /// A guess: the report does not give its network, only that it has TransposeConv2D in the place of Upsampling,
    /// that ELU was best of three, and "channels from 3 to 256" against 96; hence channels=96, or 256.
    /// </remarks>
    public static Sequential Transposed(int images, ModelOverrides overrides) =>
        Strided(images, overrides, 96, ["elu", "relu", "selu", "leaky-relu", "tanh"], ["transposed", "nearest"]);

    /// <summary>An activation by its name on the command line.</summary>
    public static Layer Activation(string name, double slope) => name switch
    {
        "relu" => new ReLU(),
        "elu" => new ELU(),
        "selu" => new SELU(),
        "leaky-relu" => new LeakyReLU(slope),
        "tanh" => new Tanh(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such activation."),
    };

    private static int Channels(ModelOverrides overrides, int otherwise) =>
        overrides.Int("channels", otherwise, 1, ChannelsMax);

    private static Sequential Strided(
        int images, ModelOverrides overrides, int channelsByDefault, string[] activations, string[] upsamplings)
    {
        int channels = Channels(overrides, channelsByDefault);
        string activation = overrides.WordOf("activation", activations);
        string upsampling = overrides.WordOf("upsampling", upsamplings);
        return new Sequential(
            new Conv2d(images, channels, 3, stride: 2, padding: 1),
            Activation(activation, 0.01),
            new Conv2d(channels, channels, 3, stride: 2, padding: 1),
            Activation(activation, 0.01),
            Upsampling(upsampling, channels, channels),
            Activation(activation, 0.01),
            Upsampling(upsampling, channels, images),
            new Sigmoid());
    }

    /// <summary>Doubles height and width.</summary>
    private static Layer Upsampling(string kind, int @in, int @out) => kind == "nearest"
        ? Layers.Upsampling.Create(@in, @out)
        : new ConvTranspose2d(@in, @out, 3, stride: 2, padding: 1, outputPadding: 1);

    /// <summary>Convolutions, then as many transposed ones, each followed by ReLU, the last by a sigmoid.</summary>
    private static List<Layer> Chain(int images, int[] hidden, bool isNormalized = false)
    {
        int[] channels = [images, .. hidden, images];
        List<Layer> layers = [];
        for (int i = 0; i + 1 < channels.Length; i++)
        {
            layers.Add(i < channels.Length / 2
                ? new Conv2d(channels[i], channels[i + 1], 3, padding: 1)
                : new ConvTranspose2d(channels[i], channels[i + 1], 3, padding: 1));
            if (isNormalized && i + 2 < channels.Length)
            {
                layers.Add(new BatchNorm2d(channels[i + 1]));
            }

            layers.Add(i + 2 < channels.Length ? new ReLU() : new Sigmoid());
        }

        return layers;
    }
}
