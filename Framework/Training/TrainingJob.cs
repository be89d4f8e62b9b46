using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Losses;
using Distributed.Framework.Models;
using Distributed.Framework.Randomness;
using Distributed.Framework.Schedules;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>A configuration made real: the model compiled, the data open. Shared by all threads of a process.</summary>
public sealed class TrainingJob
{
    /// <summary>Joins a configuration with its data.</summary>
    /// <param name="configuration">Whole, with what is derived.</param>
    /// <param name="source">The training pairs.</param>
    /// <param name="model">The configuration's model if it is made already; null to make it of its layers.</param>
    /// <exception cref="ConfigurationException">Parts do not fit each other, or a name is unknown.</exception>
    /// <exception cref="ShapeException">The model cannot take the images.</exception>
    /// <exception cref="DataException">The data are not those of the configuration.</exception>
    public TrainingJob(RunConfiguration configuration, PairSource source, Model? model = null)
    {
        if ((source.CheckedHash ?? source.ContentHash) != configuration.DataHash)
        {
            throw new DataException(
                $"{configuration.Data.Source} holds other data than the run was configured with.",
                "Give the original data, or start a new run.");
        }

        Configuration = configuration;
        Source = source;
        Model = model ?? ModelOf(configuration);
        Order = new SampleOrder(configuration.Seed, source.Count, configuration.Shuffle);
        (int batch, int shard) = (configuration.Batch, configuration.Shard);
        Schedule = configuration.Steps is { } steps
            ? BatchSchedule.ForSteps(source.Count, batch, shard, steps)
            : BatchSchedule.ForEpochs(source.Count, batch, shard, configuration.Epochs ?? 1);
        CheckShard(Model, configuration);
        Plan = CompileFor(Model, configuration.Model, source, Schedule.Shard);
        WindowPlan = NeighborTerm.Compile(Model, source, configuration);
        Loss = LossCatalogue.Create(configuration.Loss, Plan.Output);
        LossCatalogue.CheckReduction(configuration.Reduction);
        Gradients = new BufferPool(Model.StateCount);
        Rates = RateSchedule.Create(
            configuration.Schedule, configuration.Warmup, Schedule.StepsTotal, Schedule.StepsPerEpoch);
    }

    /// <summary>What it was made of.</summary>
    public RunConfiguration Configuration { get; }

    /// <summary>The training pairs.</summary>
    public PairSource Source { get; }

    /// <summary>The network.</summary>
    public Model Model { get; }

    /// <summary>The network at the size of the images.</summary>
    public Plan Plan { get; }

    /// <summary>
    /// The network at the size of the windows that pairs are taken of; null for pairs of their own. It computes with
    /// the replicas of <see cref="Plan"/>.
    /// </summary>
    public Plan? WindowPlan { get; }

    /// <summary>What is minimized.</summary>
    public Loss Loss { get; }

    /// <summary>Which sample comes when.</summary>
    public SampleOrder Order { get; }

    /// <summary>Which samples belong to which step and shard.</summary>
    public BatchSchedule Schedule { get; }

    /// <summary>How the learning rate changes from step to step.</summary>
    public RateSchedule Rates { get; }

    /// <summary>Whether a run of another length differs in the steps that both have.</summary>
    public bool DependsOnLength => Rates.DependsOnLength || Loss.DependsOnProgress || WindowPlan is not null;

    /// <summary>Buffers as long as the model's state.</summary>
    public BufferPool Gradients { get; }

    /// <summary>The model that a configuration describes.</summary>
    /// <exception cref="ConfigurationException">Its layers are none, or a name is unknown.</exception>
    public static Model ModelOf(RunConfiguration configuration) => new(
        ModelSpec.Parse(configuration.Layers, configuration.Model),
        ConvolutionAlgorithms.Parse(configuration.Conv));

    /// <summary>Compiles a model for the pairs of a source.</summary>
    /// <param name="model">The network.</param>
    /// <param name="name">As the user named it.</param>
    /// <param name="source">The pairs.</param>
    /// <param name="shard">Samples of a shard: small images go through together, as many as the caches hold.</param>
    /// <exception cref="ConfigurationException">What the model gives is not what the targets are.</exception>
    /// <exception cref="ShapeException">The model cannot take the images.</exception>
    public static Plan CompileFor(Model model, string name, PairSource source, int shard = 1)
    {
        ImageShape output = model.OutputShape(source.Shape);
        return output == source.TargetShape
            ? model.CompileForShard(source.Shape, shard)
            : throw new ConfigurationException(
                $"Model {name} makes {output} of inputs {source.Shape}; the targets are {source.TargetShape}.",
                source.ClassCount == 0
                    ? "Choose a model that gives back the shape of its input."
                    : $"Choose a classifier of {source.ClassCount} classes; or --noise MODEL, to denoise the images.");
    }

    /// <summary>What a step's mean divides the summed loss by; 1 for a sum.</summary>
    public double Divisor(int samples) =>
        Configuration.Reduction == "sum" ? 1 : (double)samples * Loss.Divisor(Plan.Output.Elements);

    /// <summary>The learning rate of a step (0-based: updates done before it).</summary>
    public double LearningRate(int step) => Configuration.Optimizer.LearningRate * Rates.Factor(step);

    /// <summary>A thread's means to compute shards.</summary>
    public GradientComputer CreateGradientComputer() =>
        new(Plan, Source, Order, Loss, Configuration.Seed, Schedule.StepsTotal)
        {
            Neighbors = WindowPlan is null
                ? null
                : new NeighborTerm(
                    WindowPlan, Source, Loss, Configuration.NeighborGamma ?? NeighborTerm.StandardGamma),
        };

    /// <summary>Statistics of a few samples are noise: models that normalize over shards need some.</summary>
    private static void CheckShard(Model model, RunConfiguration configuration)
    {
        int shard = Math.Min(configuration.Shard, configuration.Batch);
        if (model.NeedsWholeShard && shard < BatchNorm2d.ShardMin)
        {
            throw new ConfigurationException(
                $"--shard {configuration.Shard} with --batch {configuration.Batch}: model {configuration.Model} has "
                + $"BatchNorm2d, which needs shards of at least {BatchNorm2d.ShardMin} samples, got {shard}.",
                $"Give --shard {BatchNorm2d.ShardMin} or more, and a batch of at least as many.");
        }
    }
}
