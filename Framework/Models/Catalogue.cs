using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>The models that have a name.</summary>
public static class Catalogue
{
    private const int ChannelsMax = 4096;

    /// <summary>The names, with their default leaf size: samples of a leaf, chosen by measurement.</summary>
    private static readonly Dictionary<string, (int Channels, int Leaf, Func<int, int, Sequential> Build)> s_models =
        new(StringComparer.Ordinal)
        {
            ["n2n-initial"] = (32, 2, Initial),
            ["n2n-final"] = (100, 2, Final),
        };

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => s_models.Keys;

    /// <summary>Samples of a leaf, unless the user says otherwise.</summary>
    public static int DefaultLeaf(string specification) =>
        s_models.TryGetValue(specification.Split(':')[0], out (int, int Leaf, Func<int, int, Sequential>) model)
            ? model.Leaf
            : 2;

    /// <summary>
    /// The layers of a model given as <c>NAME</c> or <c>NAME:channels=64</c>; null if there is no such name.
    /// </summary>
    /// <param name="specification">Name and overrides.</param>
    /// <param name="imageChannels">Channels of the images: of the input and of the output.</param>
    /// <exception cref="ConfigurationException">An override is unknown or out of range.</exception>
    public static Sequential? Find(string specification, int imageChannels)
    {
        string[] parts = specification.Split(':', 2);
        if (!s_models.TryGetValue(parts[0], out (int Channels, int Leaf, Func<int, int, Sequential> Build) model))
        {
            return null;
        }

        int channels = model.Channels;
        foreach (string setting in parts.Length < 2 ? [] : parts[1].Split(','))
        {
            string[] pair = setting.Split('=', 2);
            if (pair.Length < 2 || pair[0] != "channels"
                || !int.TryParse(pair[1], NumberStyles.None, CultureInfo.InvariantCulture, out channels)
                || channels is < 1 or > ChannelsMax)
            {
                throw new ConfigurationException(
                    $"--model {specification}: '{setting}' is not an override of {parts[0]}.",
                    $"Allowed is channels=N with N from 1 to {ChannelsMax}, as in {parts[0]}:channels=64.");
            }
        }

        return model.Build(imageChannels, channels);
    }

    /// <summary>Two convolutions and two transposed ones, as many channels in each.</summary>
    private static Sequential Initial(int images, int channels) => new(
        new Conv2d(images, channels, 3, padding: 1),
        new ReLU(),
        new Conv2d(channels, channels, 3, padding: 1),
        new ReLU(),
        new ConvTranspose2d(channels, channels, 3, padding: 1),
        new ReLU(),
        new ConvTranspose2d(channels, images, 3, padding: 1),
        new Sigmoid());

    /// <summary>The same with a connection that skips the middle two.</summary>
    private static Sequential Final(int images, int channels) => new(
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
