using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Framework.Losses;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Schedules;

namespace Distributed.Coordinator.Commands;

/// <summary>The options of <c>train</c> that say what is minimized, and how.</summary>
internal sealed class OptimizationArguments
{
    private readonly Option<string?> _loss = StrictOptions.OneOf(
        "--loss", LossCatalogue.Names, "What is minimized [mse]");

    private readonly Option<string?> _reduction = StrictOptions.OneOf(
        "--reduction", LossCatalogue.Reductions, "How the loss of a batch is reduced [mean]");

    private readonly Option<string?> _optimizer = StrictOptions.OneOf(
        "--optimizer", OptimizerOptions.Names, "How weights follow gradients [adam]");

    private readonly Option<double?> _learningRate = StrictOptions.Number(
        "--lr", "Learning rate [0.001]", value => value > 0, "a number above 0");

    private readonly Option<double?> _momentum = StrictOptions.Number(
        "--momentum", "sgd: share of the last step that is kept [0]", value => value is >= 0 and < 1,
        "a number from 0 to below 1");

    private readonly Option<bool> _nesterov = StrictOptions.Flag("--nesterov", "sgd: look ahead by the momentum");

    private readonly Option<double?> _weightDecay = StrictOptions.Number(
        "--weight-decay", "Share of the weights added to the gradient; adamw: taken off, times the rate "
        + "[0; adamw: 0.01]", value => value >= 0, "a number of 0 or more");

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

    private readonly Option<string?> _schedule = StrictOptions.Checked(
        "--schedule",
        "SCHEDULE",
        $"How the learning rate changes: {RateSchedule.Allowed} [constant]",
        text => RateSchedule.Create(text, warmup: 0, stepsTotal: 1, stepsPerEpoch: 1));

    private readonly Option<int?> _warmup = StrictOptions.WholeNumber(
        "--warmup", "Steps in which the learning rate rises to its full size [0]", 0);

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
    [
        _loss, _reduction, _optimizer, _learningRate, _momentum, _nesterov, _weightDecay, _betas, _epsilon,
        _epsilonInsideRoot, _learningRateDecay, _initialAccumulator, _schedule, _warmup,
    ];

    /// <summary>Finds options that belong to another optimizer.</summary>
    public void Check(CommandResult result)
    {
        string chosen = result.GetResult(_optimizer) is { Tokens: [Token name] } ? name.Value : "adam";
        Own(["sgd"], _momentum, _nesterov);
        Own(["adam", "adamw"], _betas, _epsilonInsideRoot);
        Own(["adam", "adamw", "adagrad"], _epsilon);
        Own(["adagrad"], _learningRateDecay, _initialAccumulator);
        if (Has(_nesterov) && !Has(_momentum))
        {
            result.AddError("--nesterov needs --momentum, as in --momentum 0.9.");
        }

        bool Has(Option option) => result.GetResult(option) is { Implicit: false };

        void Own(string[] owners, params Option[] options)
        {
            foreach (Option option in owners.Contains(chosen) ? [] : options.Where(Has))
            {
                result.AddError(
                    $"{option.Name} belongs to --optimizer {string.Join(" or ", owners)}, not to {chosen}.");
            }
        }
    }

    /// <summary>The loss that was asked for.</summary>
    public string? ReadLoss(ParseResult result) => result.GetValue(_loss);

    /// <summary>The reduction that was asked for.</summary>
    public string? ReadReduction(ParseResult result) => result.GetValue(_reduction);

    /// <summary>The schedule that was asked for.</summary>
    public string? ReadSchedule(ParseResult result) => result.GetValue(_schedule);

    /// <summary>The steps of warm-up that were asked for.</summary>
    public int? ReadWarmup(ParseResult result) => result.GetValue(_warmup);

    /// <summary>The optimizer; what is not said is as before, or as PyTorch has it for another optimizer.</summary>
    public OptimizerOptions ReadOptimizer(ParseResult result, OptimizerOptions before)
    {
        string name = result.GetValue(_optimizer) ?? before.Name;
        OptimizerOptions defaults = name == before.Name ? before : OptimizerOptions.DefaultsOf(name);
        return defaults with
        {
            LearningRate = result.GetValue(_learningRate) ?? before.LearningRate,
            Momentum = result.GetValue(_momentum) ?? defaults.Momentum,
            Nesterov = result.GetValue(_nesterov) || defaults.Nesterov,
            WeightDecay = result.GetValue(_weightDecay) ?? defaults.WeightDecay,
            Beta1 = result.GetValue(_betas)?.First ?? defaults.Beta1,
            Beta2 = result.GetValue(_betas)?.Second ?? defaults.Beta2,
            Epsilon = result.GetValue(_epsilon) ?? defaults.Epsilon,
            EpsilonInsideRoot = result.GetValue(_epsilonInsideRoot) || defaults.EpsilonInsideRoot,
            LearningRateDecay = result.GetValue(_learningRateDecay) ?? defaults.LearningRateDecay,
            InitialAccumulator = result.GetValue(_initialAccumulator) ?? defaults.InitialAccumulator,
        };
    }
}
