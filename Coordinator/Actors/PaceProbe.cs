using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using static System.FormattableString;

namespace Distributed.Coordinator.Actors;

/// <summary>Times some steps before a run begins, which makes a number of steps of a time.</summary>
/// <remarks>
/// The steps are a short run of their own, from the same start and with the same workers, in a folder that is removed:
/// so the real run begins with its initial weights, and its length stands in config.json like one that was given. What
/// a step takes does not depend on the learning rate: that is so small that nothing diverges.
/// </remarks>
internal static class PaceProbe
{
    /// <summary>Not timed: compilation, memory that is new, workers' first data.</summary>
    private const int StepsBefore = 4;
    private const int StepsTimed = 20;
    private const double LearningRate = 1e-12;

    /// <summary>Whether the length of a run is still to be found out.</summary>
    public static bool IsWanted(TrainOptions options) => options.Time is not null
        && (options.Resume == Resumption.None || ConfigurationFile.Find(options.Run!) is null);

    /// <summary>The same options with a number of steps instead of a time; says a line.</summary>
    /// <param name="options">With a time, and the folder of the run.</param>
    /// <param name="display">Told of workers, and what came out.</param>
    /// <param name="train">Trains, with the workers of the run.</param>
    /// <exception cref="TrainingException">It was stopped; nothing is left of it.</exception>
    public static async Task<TrainOptions> FixStepsAsync(
        TrainOptions options,
        ITrainingDisplay display,
        Func<TrainOptions, ITrainingDisplay, Task<TrainResult>> train)
    {
        RunConfiguration asked = options.Configuration;
        RunData data = options.Data is { } open && open.IsOf(asked) ? open : RunData.Open(asked);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("distributed-time-");
        try
        {
            TrainResult result = await train(Shortened(options, data, folder.FullName), new WorkersOnly(display));
            if (result.IsStopped)
            {
                throw new TrainingException(
                    "Stopped while steps were timed: no run was begun.", "Start it again, or give --steps N.");
            }

            double seconds = SecondsOfAStep(MetricsReader.Read(Path.Combine(folder.FullName, "metrics.jsonl")));
            int steps = (int)Math.Clamp(options.Time!.Value.TotalSeconds / seconds, 1, int.MaxValue);
            double wanted = options.Time.Value.TotalSeconds;
            display.Note(Invariant($"{StepsTimed} steps took {1000 * seconds:0.0#} ms each: {steps} steps in ")
                + Invariant($"{wanted:0} s; the same again: --steps {steps}"));
            return options with
            {
                Configuration = asked with { Steps = steps, Epochs = null },
                Time = null,
                Data = data,
            };
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static TrainOptions Shortened(TrainOptions options, RunData data, string folder) => options with
    {
        Configuration = options.Configuration with
        {
            Steps = StepsBefore + StepsTimed,
            Epochs = null,
            Schedule = null,
            Warmup = 0,
            Optimizer = options.Configuration.Optimizer with { LearningRate = LearningRate },
        },
        Run = folder,
        Resume = Resumption.None,
        Saved = null,
        Lock = null,
        Time = null,
        Http = null,
        CheckpointEvery = 0,
        Data = data with { Validation = null },
        Trial = new TrialOptions(KeepsWorkers: true) { IsSilent = true },
    };

    private static double SecondsOfAStep(IReadOnlyList<StepMetrics> steps) =>
        Math.Max(1e-6, (steps[^1].Seconds - steps[StepsBefore - 1].Seconds) / StepsTimed);

    /// <summary>Steps that are thrown away are shown to nobody.</summary>
    private sealed class WorkersOnly(ITrainingDisplay display) : ITrainingDisplay
    {
        public void Note(string line) => display.Note(line);

        public void OnStep(in StepProgress progress)
        {
        }

        public void OnValidated(int step, Evaluation evaluation)
        {
        }
    }
}
