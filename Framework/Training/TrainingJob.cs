using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Losses;
using Distributed.Framework.Models;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>A configuration made real: the model compiled, the data open. Shared by all threads of a process.</summary>
public sealed class TrainingJob
{
    /// <summary>Joins a configuration with its data.</summary>
    /// <exception cref="ConfigurationException">Parts do not fit each other, or a name is unknown.</exception>
    /// <exception cref="ShapeException">The model cannot take the images.</exception>
    /// <exception cref="DataException">The data are not those of the configuration.</exception>
    public TrainingJob(TrainingConfiguration configuration, PairSource source)
    {
        if (source.ContentHash != configuration.DataHash)
        {
            throw new DataException(
                $"{configuration.Data.Source} holds other data than the run was configured with.",
                "Give the original data, or start a new run.");
        }

        Configuration = configuration;
        Source = source;
        Model = new Model(
            ModelSpec.Parse(configuration.Layers.ToJsonString(), configuration.Model),
            ConvolutionAlgorithms.Parse(configuration.Conv));
        Plan = CompileFor(Model, configuration.Model, source);
        Loss = new MeanSquaredError();
        Order = new SampleOrder(configuration.Seed, source.Count, configuration.Shuffle);
        Schedule = configuration.Steps is { } steps
            ? BatchSchedule.ForSteps(source.Count, configuration.Batch, configuration.Leaf, steps)
            : BatchSchedule.ForEpochs(source.Count, configuration.Batch, configuration.Leaf, configuration.Epochs ?? 1);
        Gradients = new BufferPool(Model.ParameterCount);
    }

    /// <summary>What it was made of.</summary>
    public TrainingConfiguration Configuration { get; }

    /// <summary>The training pairs.</summary>
    public PairSource Source { get; }

    /// <summary>The network.</summary>
    public Model Model { get; }

    /// <summary>The network at the size of the images.</summary>
    public Plan Plan { get; }

    /// <summary>What is minimized.</summary>
    public Loss Loss { get; }

    /// <summary>Which sample comes when.</summary>
    public SampleOrder Order { get; }

    /// <summary>Which samples belong to which step and leaf.</summary>
    public BatchSchedule Schedule { get; }

    /// <summary>Buffers as long as the parameters.</summary>
    public BufferPool Gradients { get; }

    /// <summary>Compiles a model for the pairs of a source.</summary>
    /// <exception cref="ConfigurationException">What the model gives is not what the targets are.</exception>
    /// <exception cref="ShapeException">The model cannot take the images.</exception>
    public static Plan CompileFor(Model model, string name, PairSource source)
    {
        ImageShape output = model.OutputShape(source.Shape);
        return output == source.Shape
            ? model.Compile(source.Shape)
            : throw new ConfigurationException(
                $"Model {name} makes {output} of images {source.Shape}; the targets are {source.Shape}.",
                "Choose a model that gives back the shape of its input.");
    }

    /// <summary>What a step's mean divides the summed loss by; 1 for a sum.</summary>
    public double Terms(int samples) =>
        Configuration.Reduction == "sum" ? 1 : (double)samples * Loss.Terms(Plan.Output.Elements);

    /// <summary>A thread's means to compute leaves.</summary>
    public LeafComputer CreateLeafComputer() => new(Plan, Source, Order, Loss);
}
