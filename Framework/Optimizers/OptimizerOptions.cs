using Distributed.Framework.Errors;

namespace Distributed.Framework.Optimizers;

/// <summary>Which optimizer, with which numbers: part of a run's configuration.</summary>
public sealed record OptimizerOptions
{
    /// <summary>Names on the command line.</summary>
    public static IReadOnlyList<string> Names { get; } = ["sgd", "adam"];

    /// <summary>One of <see cref="Names"/>.</summary>
    public string Name { get; init; } = "adam";

    /// <summary>Size of a step.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>SGD: share of the last step that is kept, within [0, 1).</summary>
    public double Momentum { get; init; }

    /// <summary>SGD: whether to look ahead by the momentum.</summary>
    public bool Nesterov { get; init; }

    /// <summary>Share of the parameters added to the gradient.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Adam: decay of the gradient's mean, within [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Adam: decay of the gradient's square, within [0, 1).</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Adam: added to the root of the square.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Makes the optimizer, with its state at zero.</summary>
    /// <exception cref="ConfigurationException">A number is out of its range, or does not belong to it.</exception>
    public Optimizer Create(int parameterCount)
    {
        Check("--lr", LearningRate, LearningRate > 0 && double.IsFinite(LearningRate), "more than 0");
        Check("--weight-decay", WeightDecay, WeightDecay >= 0 && double.IsFinite(WeightDecay), "0 or more");
        Check("--momentum", Momentum, Momentum is >= 0 and < 1, "0 to below 1");
        Check("--betas", Beta1, Beta1 is >= 0 and < 1, "0 to below 1");
        Check("--betas", Beta2, Beta2 is >= 0 and < 1, "0 to below 1");
        Check("--eps", Epsilon, Epsilon > 0 && double.IsFinite(Epsilon), "more than 0");
        switch (Name)
        {
            case "adam" when Momentum != 0 || Nesterov:
                throw new ConfigurationException(
                    "--momentum and --nesterov belong to --optimizer sgd.", "Leave them out, or choose sgd.");
            case "adam":
                return new Adam(parameterCount, Beta1, Beta2, Epsilon, WeightDecay);
            case "sgd" when Nesterov && Momentum == 0:
                throw new ConfigurationException("--nesterov needs a momentum.", "Add, for example, --momentum 0.9.");
            case "sgd":
                return new Sgd(parameterCount, Momentum, Nesterov, WeightDecay);
            default:
                throw new ConfigurationException(
                    $"--optimizer {Name}: there is no such optimizer.", $"Choose one of {string.Join(", ", Names)}.");
        }
    }

    private static void Check(string option, double value, bool holds, string allowed)
    {
        if (!holds)
        {
            throw new ConfigurationException(
                $"{option} {value}: out of range; allowed is {allowed}.", $"Give {option} a value in that range.");
        }
    }
}
