using System.Text.Json.Serialization;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Optimizers;

/// <summary>Which optimizer, with which numbers: part of a run's configuration.</summary>
public sealed record OptimizerOptions
{
    private readonly double? _weightDecay;
    private readonly double? _epsilon;

    /// <summary>Names on the command line.</summary>
    public static IReadOnlyList<string> Names { get; } = ["sgd", "adam", "adamw", "adagrad"];

    /// <summary>One of <see cref="Names"/>.</summary>
    public string Name { get; init; } = "adam";

    /// <summary>Size of a step.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>SGD: share of the last step that is kept, within [0, 1).</summary>
    public double Momentum { get; init; }

    /// <summary>SGD: whether to look ahead by the momentum.</summary>
    public bool Nesterov { get; init; }

    /// <summary>
    /// Share of the parameters added to the gradient; adamw: taken off them, times the rate. Unless it is given,
    /// PyTorch's: 0.01 for adamw, else 0.
    /// </summary>
    public double WeightDecay
    {
        get => _weightDecay ?? (Name == "adamw" ? 0.01 : 0);
        init => _weightDecay = value;
    }

    /// <summary>Adam, AdamW: decay of the gradient's mean, within [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Adam, AdamW: decay of the gradient's square, within [0, 1).</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>
    /// All but SGD: added to the root of the square. Unless it is given, PyTorch's: 1e-10 for adagrad, else 1e-8.
    /// </summary>
    public double Epsilon
    {
        get => _epsilon ?? (Name == "adagrad" ? 1e-10 : 1e-8);
        init => _epsilon = value;
    }

    /// <summary>Adam, AdamW: whether epsilon is added before the root is taken.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool EpsilonInsideRoot { get; init; }

    /// <summary>AdaGrad: what slows the rate in the course of the steps, 0 or more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double LearningRateDecay { get; init; }

    /// <summary>AdaGrad: where the sums of squares start, 0 or more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double InitialAccumulator { get; init; }

    /// <summary>
    /// Longest gradient, in the Euclidean norm over all parameters, that is followed as it is; a longer one is
    /// shortened to it before the step, as torch.nn.utils.clip_grad_norm_ does. 0 for any length.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double ClipNorm { get; init; }

    /// <summary>PyTorch's defaults for an optimizer, where they differ from optimizer to optimizer.</summary>
    public static OptimizerOptions DefaultsOf(string name) => new() { Name = name };

    /// <summary>Whether an optimizer of one goes on with the state of an optimizer of the other.</summary>
    /// <remarks>Neither the learning rate nor the clipping is part of the state: they may change.</remarks>
    public bool IsContinuedBy(OptimizerOptions other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return (this with { LearningRate = other.LearningRate, ClipNorm = other.ClipNorm }).Equals(other);
    }

    /// <summary>Whether all numbers are equal, given or not.</summary>
    public bool Equals(OptimizerOptions? other) => other is not null
        && (Name, LearningRate, Momentum, Nesterov) == (other.Name, other.LearningRate, other.Momentum, other.Nesterov)
        && (WeightDecay, Beta1, Beta2, Epsilon) == (other.WeightDecay, other.Beta1, other.Beta2, other.Epsilon)
        && (EpsilonInsideRoot, LearningRateDecay, InitialAccumulator, ClipNorm)
            == (other.EpsilonInsideRoot, other.LearningRateDecay, other.InitialAccumulator, other.ClipNorm);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, LearningRate, Momentum, WeightDecay, Epsilon);

    /// <summary>Makes the optimizer, with its state at zero.</summary>
    /// <exception cref="ConfigurationException">A number is out of its range, or does not belong to it.</exception>
    public Optimizer Create(int parameterCount)
    {
        CheckRanges();
        bool isAdam = Name is "adam" or "adamw";
        CheckOwner("--momentum and --nesterov", Momentum != 0 || Nesterov, Name == "sgd", "sgd");
        CheckOwner("--eps-inside-root", EpsilonInsideRoot, isAdam, "adam or adamw");
        CheckOwner(
            "--lr-decay and --initial-accumulator",
            LearningRateDecay != 0 || InitialAccumulator != 0,
            Name == "adagrad",
            "adagrad");
        AdamForm form = (EpsilonInsideRoot ? AdamForm.EpsilonInsideRoot : AdamForm.Standard)
            | (Name == "adamw" ? AdamForm.DecoupledDecay : AdamForm.Standard);
        Optimizer optimizer = Name switch
        {
            "adam" or "adamw" => new Adam(parameterCount, Beta1, Beta2, Epsilon, WeightDecay, form),
            "adagrad" => new AdaGrad(parameterCount, LearningRateDecay, InitialAccumulator, Epsilon, WeightDecay),
            "sgd" when Nesterov && Momentum == 0 => throw new ConfigurationException(
                "--nesterov needs a momentum.", "Add, for example, --momentum 0.9."),
            "sgd" => new Sgd(parameterCount, Momentum, Nesterov, WeightDecay),
            _ => throw new ConfigurationException(
                $"--optimizer {Name}: there is no such optimizer.", $"Choose one of {string.Join(", ", Names)}."),
        };
        optimizer.ClipNorm = ClipNorm;
        return optimizer;
    }

    private void CheckRanges()
    {
        Check("--lr", LearningRate, LearningRate > 0 && double.IsFinite(LearningRate), "more than 0");
        Check("--weight-decay", WeightDecay, Optimizer.IsNotNegative(WeightDecay), "0 or more");
        Check("--momentum", Momentum, Optimizer.IsShare(Momentum), "0 to below 1");
        Check("--betas", Beta1, Optimizer.IsShare(Beta1), "0 to below 1");
        Check("--betas", Beta2, Optimizer.IsShare(Beta2), "0 to below 1");
        Check("--eps", Epsilon, Optimizer.IsEpsilon(Epsilon), "more than 0, as a float too");
        Check("--lr-decay", LearningRateDecay, Optimizer.IsNotNegative(LearningRateDecay), "0 or more");
        Check(
            "--initial-accumulator",
            InitialAccumulator,
            Optimizer.IsNotNegative(InitialAccumulator),
            "0 or more");
        Check("--clip-norm", ClipNorm, Optimizer.IsNotNegative(ClipNorm), "0 or more");
    }

    private void CheckOwner(string options, bool areGiven, bool areRight, string owner)
    {
        if (areGiven && !areRight)
        {
            throw new ConfigurationException(
                $"{options}: not for --optimizer {Name}; allowed with {owner}.",
                $"Leave it out, or choose {owner}.");
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
