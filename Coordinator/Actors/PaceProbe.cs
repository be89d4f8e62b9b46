using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;
using static System.FormattableString;

namespace Distributed.Coordinator.Actors;

/// <summary>Times some steps before a run begins, which makes a number of steps of a time.</summary>
/// <remarks>
/// The steps are short runs of their own, from the same start and with the same workers, in folders that are removed:
/// so the real run begins with its initial weights, and its length stands in config.json like one that was given. What
/// a step takes does not depend on the learning rate: that is so small that nothing diverges. A round is of so many
/// steps as the one before promises to be long enough; short ones are slow, since code is compiled for seconds and
/// memory is new, so the last round alone counts, and of it the last two thirds. It is done twice: the first pass over
/// generated or stored data takes longer than those that follow.
/// </remarks>
internal static class PaceProbe
{
    private const int StepsFirst = 24;
    private const int StepsMax = 500_000;
    private const int RoundsMax = 5;
    private const double LearningRate = 1e-12;

    /// <summary>A round as long as this has full speed, whatever was compiled at its beginning.</summary>
    private static readonly TimeSpan s_enough = TimeSpan.FromSeconds(2.5);

    /// <summary>A short run is not to wait for as long as it takes itself.</summary>
    private const double ShareMax = 0.25;

    /// <summary>Whether the length of a run is still to be found out.</summary>
    public static bool IsWanted(TrainOptions options) => options.Time is not null
        && (options.Resume == Resumption.None || ConfigurationFile.Find(options.Run!) is null);

    /// <summary>The same options with a number of steps instead of a time; says a line.</summary>
    /// <param name="options">With a time, and the folder of the run.</param>
    /// <param name="display">Told of workers, and what came out.</param>
    /// <param name="train">Trains, with the workers of the run.</param>
    /// <exception cref="NotBegunException">It was stopped; nothing is left of it.</exception>
    public static async Task<TrainOptions> FixStepsAsync(
        TrainOptions options,
        ITrainingDisplay display,
        Func<TrainOptions, ITrainingDisplay, Task<TrainResult>> train)
    {
        RunConfiguration asked = options.Configuration;
        RunData data = options.Data is { } open && open.IsOf(asked) ? open : RunData.Open(asked);
        double wanted = options.Time!.Value.TotalSeconds;
        double enough = Math.Min(s_enough.TotalSeconds, wanted * ShareMax);
        StepPace pace = default;
        int last = 0;
        int probed = StepsFirst;
        for (int round = 1; round <= RoundsMax && pace.Total < enough; round++)
        {
            last = probed;
            pace = await MeasureAsync(options, data, probed, display, train);
            probed = (int)Math.Clamp(1.5 * enough / pace.Seconds, Math.Min(2 * probed, StepsMax), StepsMax);
        }

        // Once more the same: what the first pass over the data drew or read is there, as in all later passes.
        StepPace again = await MeasureAsync(options, data, last, display, train);
        int pass = ((data.Training.Count - 1) / Math.Min(asked.Batch, data.Training.Count)) + 1;
        int steps = StepsIn(wanted, pass, pace.Seconds, again.Seconds);
        display.Note(Invariant($"{again.Steps} steps took {1000 * again.Seconds:0.0##} ms each: {steps} steps in ")
            + Invariant($"{wanted:0} s; the same again: --steps {steps}"));
        return options with
        {
            Configuration = asked with { Steps = steps, Epochs = null },
            Time = null,
            Data = data,
        };
    }

    /// <summary>How many steps take a time, if those of the first pass over the data take another one.</summary>
    /// <param name="wanted">Seconds of all.</param>
    /// <param name="pass">Steps of a pass.</param>
    /// <param name="first">Seconds of a step of the first pass.</param>
    /// <param name="later">Seconds of a step of another one.</param>
    internal static int StepsIn(double wanted, int pass, double first, double later)
    {
        double ofFirst = Math.Max(first, later) * pass;
        double steps = wanted <= ofFirst ? pass * wanted / ofFirst : pass + ((wanted - ofFirst) / later);
        return (int)Math.Clamp(steps, 1, int.MaxValue);
    }

    /// <summary>One round.</summary>
    private static async Task<StepPace> MeasureAsync(
        TrainOptions options,
        RunData data,
        int steps,
        ITrainingDisplay display,
        Func<TrainOptions, ITrainingDisplay, Task<TrainResult>> train)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("distributed-time-");
        try
        {
            TrainOptions round = Shortened(options, data, steps, folder.FullName);
            TrainResult result = await train(round, new WorkersOnly(display));
            return result.IsStopped
                ? throw new NotBegunException(
                    "Stopped while steps were timed: no run was begun.", "Start it again, or give --steps N.")
                : StepPace.Of(MetricsReader.Read(Path.Combine(folder.FullName, "metrics.jsonl")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static TrainOptions Shortened(
        TrainOptions options, RunData data, int steps, string folder) => options with
    {
        Configuration = options.Configuration with
        {
            Steps = steps,
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

    /// <summary>What a round came to.</summary>
    /// <param name="Steps">That were timed.</param>
    /// <param name="Seconds">That each took.</param>
    /// <param name="Total">Seconds of the whole round.</param>
    internal readonly record struct StepPace(int Steps, double Seconds, double Total)
    {
        /// <summary>Of the last two thirds of a round; its records may have been thinned.</summary>
        public static StepPace Of(IReadOnlyList<StepMetrics> steps)
        {
            StepMetrics last = steps[^1];
            StepMetrics first = steps.First(step => step.Step >= last.Step / 3);
            int count = (int)(last.Step - first.Step);
            return new StepPace(count, Math.Max(1e-6, (last.Seconds - first.Seconds) / count), last.Seconds);
        }
    }

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
