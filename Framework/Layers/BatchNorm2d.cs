using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Layers;

/// <summary>
/// Batch normalization: <c>y = (x - mean[c]) / sqrt(variance[c] + eps) weight[c] + bias[c]</c>.
/// </summary>
/// <remarks>
/// Shapes: x [N, C, H, W], weight, bias, running_mean, running_var [C], y [N, C, H, W]. In training, mean and biased
/// variance are those of the shard over N, H and W, so that a shard stays the unit of work; else the running ones,
/// which a step moves once: <c>running = (1 - momentum) running + momentum statistic</c>. The statistic is the mean
/// of the shards' means and unbiased variances, weighted by samples. With one shard that is torch.nn.BatchNorm2d.
/// Initial values: weight 1, bias 0, running mean 0, running variance 1.
/// </remarks>
public sealed record BatchNorm2d : Layer
{
    /// <summary>Fewest samples of a shard whose statistics are worth something.</summary>
    public const int ShardMin = 8;

    /// <summary>Makes the layer.</summary>
    /// <param name="channels">Channels.</param>
    /// <param name="eps">Added to the variance; more than 0.</param>
    /// <param name="momentum">Share of a step's statistic in the running one, within [0, 1].</param>
    /// <param name="affine">Whether a factor and a constant are learned for each channel.</param>
    /// <exception cref="ConfigurationException">An argument is out of range.</exception>
    public BatchNorm2d(int channels, double eps = 1e-5, double momentum = 0.1, bool affine = true)
    {
        Channels = channels;
        Epsilon = eps;
        Momentum = momentum;
        Affine = affine;
        Check("num_features", channels, 1, ChannelsMax);
        Check("eps", eps, eps is >= 1e-30 and <= 1e6, "1e-30 to 1e6");
        Check("momentum", momentum, momentum is >= 0 and <= 1, "0 to 1");
    }

    /// <summary>Channels.</summary>
    public int Channels { get; }

    /// <summary>Added to the variance.</summary>
    public double Epsilon { get; }

    /// <summary>Share of a step's statistic in the running one.</summary>
    public double Momentum { get; }

    /// <summary>Whether a factor and a constant are learned for each channel.</summary>
    public bool Affine { get; }

    /// <inheritdoc/>
    public override ImageShape OutputShape(ImageShape input, string path) =>
        input.C == Channels
            ? input
            : throw new ShapeException(
                $"{path} (BatchNorm2d): expected input [N, {Channels}, H, W], got {input}.",
                "Give the layer as many features as the one before it has channels.");

    internal override void CollectParameters(ParameterCollector collector, string path)
    {
        if (Affine)
        {
            collector.AddNormalization(path, "weight", ParameterKind.Scale, Channels);
            collector.AddNormalization(path, "bias", ParameterKind.Shift, Channels);
        }

        collector.AddBuffer(path, "running_mean", Channels, 0, Momentum);
        collector.AddBuffer(path, "running_var", Channels, 1, Momentum);
    }

    internal override ActivationNode Build(PlanBuilder builder, ActivationNode input, string path)
    {
        ActivationNode output = builder.CreateNodeLike(input);
        BatchNormStarts starts = new(
            Affine ? builder.ParameterStart($"{path}.weight") : -1,
            Affine ? builder.ParameterStart($"{path}.bias") : -1,
            builder.BufferStart($"{path}.running_mean"),
            builder.BufferStart($"{path}.running_var"));
        builder.Add(new BatchNormOperation(input, output, starts, Epsilon));
        return output;
    }
}
