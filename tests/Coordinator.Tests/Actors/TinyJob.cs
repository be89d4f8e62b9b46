using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Core;
using Distributed.Framework.Data;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Tests.Actors;

/// <summary>A training of the smallest model on drawn points, four shards a step.</summary>
internal static class TinyJob
{
    public static TrainingJob Create(int steps = 3)
    {
        Sequential layers = Catalogue.Find("mlp-disc", 1)!;
        DataOptions data = new() { Source = "disc", Limit = 40 };
        PairSource source = DataSources.OpenTraining(data);
        return new TrainingJob(
            new RunConfiguration
            {
                Model = "mlp-disc",
                Layers = ModelSpec.Write(layers),
                Data = data,
                DataHash = source.ContentHash,
                Batch = 20,
                Shard = 5,
                Steps = steps,
                InitialWeightsSha256 = "",
            },
            source);
    }

    public static CoordinatorSettings Settings(TrainingJob job, Akka.Actor.Props journal) => new()
    {
        Job = job,
        State = new TrainingState(new float[job.Model.ParameterCount], new Sgd(job.Model.ParameterCount)),
        Term = new Term(1),
        First = new Step(0),
        Options = new CoordinatorOptions { Version = "1", Numerics = "n" },
        Journal = journal,
        JournalInterval = TimeSpan.Zero,
    };
}
