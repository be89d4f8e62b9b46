using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Coordinator.Http;
using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Models;

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
        "--validation", "SOURCE",
        "(noisy, clean) pairs or clean images to measure with [the training's own test set, if it has one]");

    private readonly Option<bool> _validationNoisy = StrictOptions.Flag(
        "--validation-noisy", "The validation pairs are noisy on both sides: their PSNR is estimated");

    private readonly Option<bool> _validateEveryEpoch = StrictOptions.Flag(
        "--validate-every-epoch", "Validate after every epoch [at most every minute; every epoch for classes]");

    private readonly Option<string?> _noise = StrictOptions.Noise(
        "--noise", "Noise for clean images: gaussian:S, poisson:PEAK, bernoulli:P, impulse:P, text:P or resample:K; "
        + "S, PEAK and P also as LO-HI [gaussian:25 for synthetic]");

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

    private readonly Option<string?> _initScheme = StrictOptions.Checked(
        "--init-scheme",
        "SCHEME",
        $"How initial weights are drawn: {Initializer.Allowed} [default]",
        text => Initializer.Parse(text));

    private readonly OptimizationArguments _optimization = new();

    private readonly Option<int?> _batch = StrictOptions.WholeNumber("--batch", "Samples of a step [50]", 1, CountMax);

    private readonly Option<int?> _shard = StrictOptions.WholeNumber(
        "--shard", "Samples of a shard, the unit of work; part of the result [the model's own]", 1, CountMax);

    private readonly Option<int?> _epochs = StrictOptions.WholeNumber(
        "--epochs", "Passes over the data; excludes --steps", 1);

    private readonly Option<int?> _steps = StrictOptions.WholeNumber(
        "--steps", $"Steps [{TrainOptions.DefaultSteps} if --epochs is not given either]", 1);

    private readonly Option<uint?> _seed = StrictOptions.Seed("--seed", "Decides everything random [0]");

    private readonly Option<int?> _repeat = StrictOptions.WholeNumber(
        "--repeat",
        "Runs with seeds from --seed on, in folders seed-N, also to resume; ends with mean and deviation [1]",
        1,
        1000);

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
        _data, _validation, _validationNoisy, _validateEveryEpoch, _noise, _noiseFixed, _targets, _augment, _crop,
        _range, _limit, _noShuffle, _model, _init, _initScheme, _conv, .. _optimization.All, _batch, _shard, _epochs,
        _steps, _seed, _repeat, _run, _resume, _checkpointEvery, _workers, _threads, _listen, _minWorkers, _tokenFile,
    ];

    /// <summary>Finds options that exclude or need each other.</summary>
    public void Check(CommandResult result)
    {
        Exclude(_epochs, _steps, "give one of them");
        if (Has(_resume) && !Has(_run))
        {
            result.AddError("--resume does not say which run; name its folder with --run DIR.");
        }

        if (Has(_init) && Has(_initScheme))
        {
            result.AddError("--init and --init-scheme exclude each other; give one of them.");
        }

        _optimization.Check(result);

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
        TrainOptions defaults = resume
            ? SavedOptions.Read(RepeatedRuns.FirstOf(result.GetValue(_run)!, result.GetValue(_repeat)))
            : new TrainOptions();
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
            InitScheme = result.GetValue(_initScheme) ?? defaults.InitScheme,
            Loss = _optimization.ReadLoss(result) ?? defaults.Loss,
            Reduction = _optimization.ReadReduction(result) ?? defaults.Reduction,
            Optimizer = _optimization.ReadOptimizer(result, defaults.Optimizer),
            Schedule = _optimization.ReadSchedule(result) ?? defaults.Schedule,
            Warmup = _optimization.ReadWarmup(result) ?? defaults.Warmup,
            Batch = result.GetValue(_batch) ?? defaults.Batch,
            Shard = result.GetValue(_shard) ?? defaults.Shard,
            Epochs = isLengthGiven ? result.GetValue(_epochs) : defaults.Epochs,
            Steps = isLengthGiven ? result.GetValue(_steps) : defaults.Steps,
            NoisyValidation = result.GetValue(_validationNoisy) || defaults.NoisyValidation,
            ValidateEveryEpoch = result.GetValue(_validateEveryEpoch),
            Repeat = result.GetValue(_repeat),
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
}
