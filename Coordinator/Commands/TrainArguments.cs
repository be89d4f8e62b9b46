using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Coordinator.Hosting;
using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;

namespace Distributed.Coordinator.Commands;

/// <summary>The options of <c>train</c>: what they are called, what they allow, and what they make together.</summary>
internal sealed class TrainArguments
{
    private const int CountMax = 1 << 20;
    private const int SideMax = 1 << 16;

    /// <summary>Most local workers, and most threads of one.</summary>
    public const int WorkersMax = 1024;

    private readonly Option<string?> _data = StrictOptions.Text(
        "--data", "SOURCE",
        "Training data: synthetic, disc, or a file or folder (PNG, TIFF, PPM, .npy, .npz, IDX, CIFAR-10, torch.save) "
        + "[synthetic]");

    private readonly Option<string?> _validation = StrictOptions.Text(
        "--validation", "SOURCE", "(noisy, clean) pairs or clean images to measure with [the training's own test set, if it has one]");

    private readonly Option<string?> _noise = StrictOptions.Noise(
        "--noise", "Noise for clean images: gaussian:S, poisson:PEAK, bernoulli:P, impulse:P, text:P or resample:K; S, PEAK and P "
        + "also as LO-HI [gaussian:25 for synthetic]");

    private readonly Option<bool> _noiseFixed = StrictOptions.Flag(
        "--noise-fixed", "Keep each image's noise and window in every epoch");

    private readonly Option<string?> _targets = StrictOptions.OneOf(
        "--targets", ["noisy", "clean"], "Train towards noisy or clean images [noisy]");

    private readonly Option<bool> _augment = StrictOptions.Flag(
        "--augment", "Flip, rotate and swap training pairs at random");

    private readonly Option<int?> _crop = StrictOptions.WholeNumber(
        "--crop", "Side of the window cut from each image [64 if sizes differ or exceed 64]", 1, SideMax);

    private readonly Option<(double First, double Second)?> _range = StrictOptions.Two(
        "--range", "LO:HI", ':', "Stored values that become 0 and 1 [0 and the type's maximum; floats stay]",
        (low, high) => low < high, "two finite numbers, the lower one first, as in 0:4095");

    private readonly Option<int?> _limit = StrictOptions.WholeNumber("--limit", "Only the first N pairs [all]", 1);

    private readonly Option<bool> _noShuffle = StrictOptions.Flag("--no-shuffle", "Keep the source's order");

    private readonly Option<string?> _model = StrictOptions.Text(
        "--model",
        "NAME|FILE",
        $"Model: {string.Join(", ", Catalogue.Names)} (with :channels=N), or a JSON file [n2n-initial]");

    private readonly Option<string?> _init = StrictOptions.Text(
        "--init", "FILE", "Initial weights: safetensors, or a PyTorch state_dict [PyTorch's random defaults]");

    private readonly Option<string?> _conv = StrictOptions.OneOf(
        "--conv", ConvolutionAlgorithms.Names, "How convolutions are computed; part of the result [auto]");

    private readonly Option<string?> _loss = StrictOptions.OneOf("--loss", ["mse"], "What is minimized [mse]");

    private readonly Option<string?> _reduction = StrictOptions.OneOf(
        "--reduction", ["mean", "sum"], "How the loss of a batch is reduced [mean]");

    private readonly Option<string?> _optimizer = StrictOptions.OneOf(
        "--optimizer", OptimizerOptions.Names, "How weights follow gradients [adam]");

    private readonly Option<double?> _learningRate = StrictOptions.Number(
        "--lr", "Learning rate [0.001]", value => value > 0, "a number above 0");

    private readonly Option<double?> _momentum = StrictOptions.Number(
        "--momentum", "sgd: share of the last step that is kept [0]", value => value is >= 0 and < 1,
        "a number from 0 to below 1");

    private readonly Option<bool> _nesterov = StrictOptions.Flag("--nesterov", "sgd: look ahead by the momentum");

    private readonly Option<double?> _weightDecay = StrictOptions.Number(
        "--weight-decay", "Share of the weights added to the gradient [0]", value => value >= 0,
        "a number of 0 or more");

    private readonly Option<(double First, double Second)?> _betas = StrictOptions.Two(
        "--betas", "B1,B2", ',', "adam: decay of the two running means [0.9,0.999]",
        (first, second) => first is >= 0 and < 1 && second is >= 0 and < 1,
        "two numbers from 0 to below 1, as in 0.9,0.999");

    private readonly Option<double?> _epsilon = StrictOptions.Number(
        "--eps", "adam: added to the root of the square [1e-8]", value => value > 0, "a number above 0");

    private readonly Option<int?> _batch = StrictOptions.WholeNumber("--batch", "Samples of a step [50]", 1, CountMax);

    private readonly Option<int?> _leaf = StrictOptions.WholeNumber(
        "--leaf", "Samples of a leaf, the unit of work; part of the result [the model's own]", 1, CountMax);

    private readonly Option<int?> _epochs = StrictOptions.WholeNumber(
        "--epochs", "Passes over the data; excludes --steps", 1);

    private readonly Option<int?> _steps = StrictOptions.WholeNumber(
        "--steps", $"Steps [{TrainOptions.DefaultSteps} if --epochs is not given either]", 1);

    private readonly Option<uint?> _seed = StrictOptions.Seed("--seed", "Decides everything random [0]");

    private readonly Option<string?> _run = StrictOptions.Text(
        "--run", "DIR", "The run folder [a new one under runs/]");

    private readonly Option<bool> _resume = StrictOptions.Flag(
        "--resume", "Go on with the run in --run; options that are not given again are as they were");

    private readonly Option<int?> _checkpointEvery = StrictOptions.WholeNumber(
        "--checkpoint-every",
        $"Steps between checkpoints; 0: one at the end only [{TrainOptions.DefaultCheckpointEvery}]",
        0);

    private readonly Option<int?> _workers = StrictOptions.WholeNumber(
        "--workers", "Local workers; 0: only those that join [one a core]", 0, WorkersMax);

    private readonly Option<int?> _threads = StrictOptions.WholeNumber(
        "--threads", "Threads of each worker [1]", 1, WorkersMax);

    private readonly Option<ListenAddress?> _listen = StrictOptions.Address(
        "--listen", "Where other machines' workers are awaited [127.0.0.1:5500, or the next free port]");

    private readonly Option<int?> _minWorkers = StrictOptions.WholeNumber(
        "--min-workers", "Workers that must be there before the first step [1]", 1, WorkersMax);

    private readonly Option<string?> _tokenFile = StrictOptions.Text(
        "--token-file", "FILE", "File with the token that lets workers in [DISTRIBUTED_TOKEN, or one is made]");

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
    [
        _data, _validation, _noise, _noiseFixed, _targets, _augment, _crop, _range, _limit, _noShuffle,
        _model, _init, _conv, _loss, _reduction,
        _optimizer, _learningRate, _momentum, _nesterov, _weightDecay, _betas, _epsilon, _batch, _leaf, _epochs,
        _steps, _seed, _run, _resume, _checkpointEvery, _workers, _threads, _listen,
        _minWorkers, _tokenFile,
    ];

    /// <summary>Finds options that exclude or need each other.</summary>
    public void Check(CommandResult result)
    {
        Exclude(_epochs, _steps, "give one of them");
        if (Has(_resume) && !Has(_run))
        {
            result.AddError("--resume does not say which run; name its folder with --run DIR.");
        }

        bool isSgd = result.GetResult(_optimizer) is { Tokens: [Token name] } && name.Value == "sgd";
        foreach (Option option in isSgd ? new Option[] { _betas, _epsilon } : [_momentum, _nesterov])
        {
            if (Has(option))
            {
                string owner = isSgd ? "adam" : "sgd";
                result.AddError($"{option.Name} belongs to --optimizer {owner}, not to {(isSgd ? "sgd" : "adam")}.");
            }
        }

        if (Has(_nesterov) && !Has(_momentum))
        {
            result.AddError("--nesterov needs --momentum, as in --momentum 0.9.");
        }

        bool Has(Option option) => result.GetResult(option) is { Implicit: false };

        void Exclude(Option first, Option second, string advice)
        {
            if (Has(first) && Has(second))
            {
                result.AddError($"{first.Name} and {second.Name} exclude each other; {advice}.");
            }
        }
    }

    /// <summary>What was asked for. Where the command line is silent, the settings speak.</summary>
    public TrainOptions Read(ParseResult result, TrainSettings settings, IReadOnlyList<string> commandLine)
    {
        bool resume = result.GetValue(_resume);
        TrainOptions defaults = resume ? SavedOptions.Read(result.GetValue(_run)!) : new TrainOptions();
        string? model = result.GetValue(_model);
        bool isLengthGiven = result.GetValue(_epochs) is not null || result.GetValue(_steps) is not null;
        return new TrainOptions
        {
            Data = new DataOptions
            {
                Source = result.GetValue(_data) ?? defaults.Data.Source,
                Validation = result.GetValue(_validation) ?? defaults.Data.Validation,
                Noise = result.GetValue(_noise) ?? defaults.Data.Noise,
                NoiseFixed = result.GetValue(_noiseFixed) || defaults.Data.NoiseFixed,
                CleanTargets = result.GetValue(_targets) is { } targets
                    ? targets == "clean"
                    : defaults.Data.CleanTargets,
                Augment = result.GetValue(_augment) || defaults.Data.Augment,
                Crop = result.GetValue(_crop) ?? defaults.Data.Crop,
                RangeLow = result.GetValue(_range)?.First ?? defaults.Data.RangeLow,
                RangeHigh = result.GetValue(_range)?.Second ?? defaults.Data.RangeHigh,
                Limit = result.GetValue(_limit) ?? defaults.Data.Limit,
                Seed = result.GetValue(_seed) ?? defaults.Data.Seed,
            },
            Shuffle = !result.GetValue(_noShuffle) && defaults.Shuffle,
            Model = model ?? defaults.Model,
            Layers = model is null ? defaults.Layers : null,
            Init = result.GetValue(_init) ?? defaults.Init,
            Conv = result.GetValue(_conv) ?? defaults.Conv,
            Loss = result.GetValue(_loss) ?? defaults.Loss,
            Reduction = result.GetValue(_reduction) ?? defaults.Reduction,
            Optimizer = ReadOptimizer(result, defaults.Optimizer),
            Batch = result.GetValue(_batch) ?? defaults.Batch,
            Leaf = result.GetValue(_leaf) ?? defaults.Leaf,
            Epochs = isLengthGiven ? result.GetValue(_epochs) : defaults.Epochs,
            Steps = isLengthGiven ? result.GetValue(_steps) : defaults.Steps,
            Run = result.GetValue(_run),
            Resume = resume,
            CheckpointEvery = result.GetValue(_checkpointEvery) ?? settings.CheckpointEvery,
            Workers = result.GetValue(_workers) ?? settings.Workers,
            Threads = result.GetValue(_threads) ?? settings.Threads ?? defaults.Threads,
            Listen = result.GetValue(_listen),
            MinWorkers = result.GetValue(_minWorkers) ?? new TrainOptions().MinWorkers,
            TokenFile = result.GetValue(_tokenFile),
            RunsRoot = settings.RunsRoot ?? defaults.RunsRoot,
            CommandLine = commandLine,
        };
    }

    private OptimizerOptions ReadOptimizer(ParseResult result, OptimizerOptions defaults)
    {
        return new OptimizerOptions
        {
            Name = result.GetValue(_optimizer) ?? defaults.Name,
            LearningRate = result.GetValue(_learningRate) ?? defaults.LearningRate,
            Momentum = result.GetValue(_momentum) ?? defaults.Momentum,
            Nesterov = result.GetValue(_nesterov) || defaults.Nesterov,
            WeightDecay = result.GetValue(_weightDecay) ?? defaults.WeightDecay,
            Beta1 = result.GetValue(_betas)?.First ?? defaults.Beta1,
            Beta2 = result.GetValue(_betas)?.Second ?? defaults.Beta2,
            Epsilon = result.GetValue(_epsilon) ?? defaults.Epsilon,
        };
    }
}
