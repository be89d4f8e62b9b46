using System.Text.Json;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Commands;

/// <summary>The options of a run that is resumed: what is not given again is as it was.</summary>
internal static class SavedOptions
{
    /// <summary>
    /// The options that a run folder's configuration came from; the usual defaults if there is no run yet.
    /// </summary>
    /// <param name="folder">The run folder.</param>
    /// <exception cref="DataException">Its configuration is damaged.</exception>
    public static TrainOptions Read(string folder)
    {
        string path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
        {
            return new TrainOptions();
        }

        try
        {
            TrainingConfiguration saved = TrainingConfiguration.Parse(File.ReadAllText(path));
            return new TrainOptions
            {
                Data = saved.Data,
                Shuffle = saved.Shuffle,
                Model = saved.Model,
                Layers = saved.Layers,
                Conv = saved.Conv,
                Init = saved.Init,
                InitScheme = saved.InitScheme,
                NoisyValidation = saved.NoisyValidation,
                Loss = saved.Loss,
                Reduction = saved.Reduction,
                Optimizer = saved.Optimizer,
                Schedule = saved.Schedule,
                Warmup = saved.Warmup,
                Batch = saved.Batch,
                Shard = saved.Shard,
                Epochs = saved.Epochs,
                Steps = saved.Steps,
            };
        }
        catch (Exception exception) when (exception is JsonException or IOException)
        {
            throw new DataException(
                $"{path} cannot be read: {exception.Message}",
                "Restore it from a backup or a checkpoint's metadata, or start a new run with --run.",
                exception);
        }
    }
}
