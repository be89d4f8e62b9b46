using Distributed.Framework.Errors;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Losses;

/// <summary>The losses and reductions that have a name.</summary>
public static class LossCatalogue
{
    /// <summary>Losses, as on the command line.</summary>
    public static IReadOnlyList<string> Names { get; } = ["mse", "l1", "l0", "hdr", "cross-entropy"];

    /// <summary>Reductions, as on the command line.</summary>
    public static IReadOnlyList<string> Reductions { get; } = ["mean", "sum"];

    /// <summary>Makes a loss for outputs of one shape.</summary>
    /// <exception cref="ConfigurationException">There is no such loss, or it does not fit the shape.</exception>
    public static Loss Create(string name, ImageShape output) => name switch
    {
        "mse" => new MeanSquaredError(),
        "l1" => new MeanAbsoluteError(),
        "l0" => new AnnealedL0(),
        "hdr" => new HighDynamicRange(),
        "cross-entropy" when output.C < 2 => throw new ConfigurationException(
            $"--loss cross-entropy: the model's output {output} has {output.C} class; allowed are 2 or more.",
            "Give the last layer an output channel for each class."),
        "cross-entropy" => new CrossEntropy(output.C),
        _ => throw new ConfigurationException(
            $"--loss {name}: there is no such loss.", $"Choose one of {string.Join(", ", Names)}."),
    };

    /// <summary>Refuses a reduction that does not exist.</summary>
    /// <exception cref="ConfigurationException">There is no such reduction.</exception>
    public static void CheckReduction(string name)
    {
        if (!Reductions.Contains(name))
        {
            throw new ConfigurationException(
                $"--reduction {name}: there is no such reduction.", $"Choose {string.Join(" or ", Reductions)}.");
        }
    }
}
