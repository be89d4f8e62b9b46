using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Framework.Losses;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Schedules;

namespace Distributed.Coordinator.Commands;

/// <summary>The options of <c>train</c> that say what is minimized, and how.</summary>
internal sealed class OptimizationSettings
{
    private readonly Option<string?> _optimizer = StrictOptions.OneOf(
        "--optimizer", OptimizerOptions.Names, "How weights follow gradients [adam]");

    private readonly Option<double?> _momentum = StrictOptions.Number(
        "--momentum", "sgd: share of the last step that is kept [0]", value => value is >= 0 and < 1,
        "a number from 0 to below 1");

    private readonly Option<bool> _nesterov = StrictOptions.Flag("--nesterov", "sgd: look ahead by the momentum");

    private readonly Option<(double First, double Second)?> _betas = StrictOptions.Two(
        "--betas", "B1,B2", ',', "adam, adamw: decay of the two running means [0.9,0.999]",
        (first, second) => first is >= 0 and < 1 && second is >= 0 and < 1,
        "two numbers from 0 to below 1, as in 0.9,0.999");

    private readonly Option<double?> _epsilon = StrictOptions.Number(
        "--eps", "all but sgd: added to the root of the square [1e-8; adagrad: 1e-10]", value => value > 0,
        "a number above 0");

    private readonly Option<bool> _epsilonInsideRoot = StrictOptions.Flag(
        "--eps-inside-root", "adam, adamw: add it before the root is taken");

    private readonly Option<double?> _learningRateDecay = StrictOptions.Number(
        "--lr-decay", "adagrad: at step t from 1 the rate is divided by 1 + (t - 1) X [0]", value => value >= 0,
        "a number of 0 or more");

    private readonly Option<double?> _initialAccumulator = StrictOptions.Number(
        "--initial-accumulator", "adagrad: where the sums of squares start [0]", value => value >= 0,
        "a number of 0 or more");

    /// <summary>All of them, in the order of the help, which is also that in which they are applied.</summary>
    public IReadOnlyList<Setting> All =>
    [
        Setting.Of(
            StrictOptions.OneOf("--loss", LossCatalogue.Names, "What is minimized [mse]"),
            (configuration, loss) => configuration with { Loss = loss }),
        Setting.Of(
            StrictOptions.OneOf(
                "--reduction", LossCatalogue.Reductions, "How the loss of a batch is reduced [mean]"),
            (configuration, reduction) => configuration with { Reduction = reduction }),
        Setting.Of(
            StrictOptions.Number(
                "--neighbor-gamma",
                "--pairs neighbors: what the weight of the second term grows to; 0: none, which is faster [2]",
                value => value >= 0,
                "a number of 0 or more"),
            (configuration, gamma) => configuration with { NeighborGamma = gamma }),
        Setting.Of(_optimizer, (configuration, name) => configuration with
        {
            Optimizer = OfName(configuration.Optimizer, name),
        }),
        OfOptimizer(
            StrictOptions.Number("--lr", "Learning rate [0.001]", value => value > 0, "a number above 0"),
            (optimizer, rate) => optimizer with { LearningRate = rate }),
        OfOptimizer(_momentum, (optimizer, momentum) => optimizer with { Momentum = momentum }),
        OfOptimizer(_nesterov, optimizer => optimizer with { Nesterov = true }),
        OfOptimizer(
            StrictOptions.Number(
                "--weight-decay",
                "Share of the weights added to the gradient; adamw: taken off, times the rate [0; adamw: 0.01]",
                value => value >= 0,
                "a number of 0 or more"),
            (optimizer, share) => optimizer with { WeightDecay = share }),
        OfOptimizer(_betas, (optimizer, betas) => optimizer with { Beta1 = betas.First, Beta2 = betas.Second }),
        OfOptimizer(_epsilon, (optimizer, epsilon) => optimizer with { Epsilon = epsilon }),
        OfOptimizer(_epsilonInsideRoot, optimizer => optimizer with { EpsilonInsideRoot = true }),
        OfOptimizer(_learningRateDecay, (optimizer, decay) => optimizer with { LearningRateDecay = decay }),
        OfOptimizer(_initialAccumulator, (optimizer, start) => optimizer with { InitialAccumulator = start }),
        OfOptimizer(
            StrictOptions.Number(
                "--clip-norm",
                "Longest gradient, over all weights, that is followed as it is: longer ones are shortened [0: any]",
                value => value >= 0,
                "a number of 0 or more"),
            (optimizer, norm) => optimizer with { ClipNorm = norm }),
        Setting.Of(
            StrictOptions.Number(
                "--ema",
                "What a step keeps of an average of the weights, as 0.999; it is validated and kept [0: none]",
                value => value is >= 0 and < 1,
                "a number from 0 to below 1"),
            (configuration, decay) => configuration with { Ema = decay }),
        Setting.Of(
            StrictOptions.Checked(
                "--schedule",
                "SCHEDULE",
                $"How the learning rate changes: {RateSchedule.Allowed} [constant]",
                text => RateSchedule.Create(text, warmup: 0, stepsTotal: 1, stepsPerEpoch: 1)),
            (configuration, schedule) => configuration with
            {
                Schedule = schedule == "constant" ? null : schedule,
            }),
        Setting.Of(
            StrictOptions.WholeNumber("--warmup", "Steps in which the learning rate rises to its full size [0]", 0),
            (configuration, steps) => configuration with { Warmup = steps }),
    ];

    /// <summary>Finds options that belong to another optimizer.</summary>
    public void Check(CommandResult result)
    {
        string chosen = result.GetResult(_optimizer) is { Tokens: [Token name] } ? name.Value : "adam";
        Own(["sgd"], _momentum, _nesterov);
        Own(["adam", "adamw"], _betas, _epsilonInsideRoot);
        Own(["adam", "adamw", "adagrad"], _epsilon);
        Own(["adagrad"], _learningRateDecay, _initialAccumulator);
        if (Setting.IsGiven(result, _nesterov) && !Setting.IsGiven(result, _momentum))
        {
            result.AddError("--nesterov needs --momentum, as in --momentum 0.9.");
        }

        void Own(string[] owners, params Option[] options)
        {
            foreach (Option option in owners.Contains(chosen)
                ? []
                : options.Where(option => Setting.IsGiven(result, option)))
            {
                result.AddError(
                    $"{option.Name} belongs to --optimizer {string.Join(" or ", owners)}, not to {chosen}.");
            }
        }
    }

    /// <summary>Another optimizer begins with PyTorch's defaults, but keeps the rate and the clipping.</summary>
    private static OptimizerOptions OfName(OptimizerOptions before, string name) => name == before.Name
        ? before
        : OptimizerOptions.DefaultsOf(name) with { LearningRate = before.LearningRate, ClipNorm = before.ClipNorm };

    private static Setting OfOptimizer<T>(Option<T?> option, Func<OptimizerOptions, T, OptimizerOptions> change)
        where T : struct =>
        Setting.Of(option, (configuration, value) =>
            configuration with { Optimizer = change(configuration.Optimizer, value) });

    private static Setting OfOptimizer(Option<bool> option, Func<OptimizerOptions, OptimizerOptions> change) =>
        Setting.Of(option, configuration => configuration with { Optimizer = change(configuration.Optimizer) });
}
