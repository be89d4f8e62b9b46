using Distributed.Framework.Errors;
using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>A model that has a name.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="Shard">Samples of a shard, unless the user says otherwise; chosen by measurement.</param>
/// <param name="Summary">What it is, in a line.</param>
/// <param name="Build">Makes its layers for images of so many channels.</param>
internal sealed record CatalogueModel(
    string Name, int Shard, string Summary, Func<int, ModelOverrides, Sequential> Build);

/// <summary>The models that have a name.</summary>
/// <remarks>
/// <code>
/// n2n-initial     two convolutions and two transposed ones, 32 channels: 20,259 parameters
/// n2n-final       the same with 100 channels and a connection that skips the middle two: 188,403
/// n2n-depth       4, 6, 8, 10 or 12 layers with about as many parameters as n2n-initial; norm=batch normalizes
/// n2n-8           eight convolutions of 32 channels: the baseline of 24 dB
/// n2n-course      two strided convolutions and two upsamplings
/// n2n-transposed  the same with transposed convolutions, ELU and 96 channels
/// n2n-unet        the U-Net of the Noise2Noise paper: 991,203
/// n2n-residual    a small residual U-Net of three levels: the default; level=blind: not told the noise level
/// mlp-disc        2-25-25-25-2, for points in the plane
/// </code>
/// Overrides follow a colon: <c>n2n-course:channels=96,activation=elu</c>. Default shards were measured: larger ones
/// are up to a fifth faster (fewer gradients to clear and add), smaller ones spread a batch over more threads.
/// </remarks>
public static class Catalogue
{
    private const int DefaultShardSize = 2;

    private static readonly Dictionary<string, CatalogueModel> s_models = new CatalogueModel[]
    {
        new("n2n-initial", 5, "Two convolutions and two transposed ones", DenoiserModels.Initial),
        new("n2n-final", 4, "The same with a skip connection", DenoiserModels.Final),
        new("n2n-depth", 5, "4 to 12 layers with equally many parameters", DenoiserModels.Depth),
        new("n2n-8", 5, "Eight convolutions", DenoiserModels.Eight),
        new("n2n-course", 5, "Two strided convolutions, two upsamplings", DenoiserModels.Course),
        new("n2n-transposed", 5, "The same with transposed convolutions", DenoiserModels.Transposed),
        new("n2n-unet", 2, "The U-Net of the Noise2Noise paper", UNetModel.Build),
        new("n2n-residual", 6, "A small residual U-Net: the default", ResidualModel.Build),
        new("mlp-disc", 25, "A multi-layer perceptron for points in the plane", PerceptronModels.Disc),
    }.ToDictionary(model => model.Name, StringComparer.Ordinal);

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => s_models.Keys;

    /// <summary>What a model is, in a line; null if there is no such name.</summary>
    public static string? Summary(string name) => s_models.GetValueOrDefault(name)?.Summary;

    /// <summary>Samples of a shard, unless the user says otherwise.</summary>
    public static int DefaultShard(string specification) =>
        s_models.TryGetValue(specification.Split(':')[0], out CatalogueModel? model) ? model.Shard : DefaultShardSize;

    /// <summary>The same, for a model that may need larger shards because it normalizes over them.</summary>
    public static int DefaultShard(string specification, Sequential layers) =>
        Math.Max(DefaultShard(specification), new Model(layers).NeedsWholeShard ? BatchNorm2d.ShardMin : 1);

    /// <summary>
    /// The layers of a model given as <c>NAME</c> or <c>NAME:channels=64</c>; null if there is no such name.
    /// </summary>
    /// <param name="specification">Name and overrides.</param>
    /// <param name="imageChannels">Channels of the images: of the input and of the output.</param>
    /// <exception cref="ConfigurationException">An override is unknown or out of range.</exception>
    public static Sequential? Find(string specification, int imageChannels)
    {
        ModelOverrides overrides = new(specification);
        if (!s_models.TryGetValue(specification.Split(':')[0], out CatalogueModel? model))
        {
            return null;
        }

        Sequential layers = model.Build(imageChannels, overrides);
        overrides.CheckAllTaken();
        return layers;
    }
}
