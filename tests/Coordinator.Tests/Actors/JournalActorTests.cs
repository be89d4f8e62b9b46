using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Http;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;

namespace Distributed.Coordinator.Tests.Actors;

public sealed class JournalActorTests() : TestKit("akka.loglevel = OFF\nakka.test.single-expect-default = 30s")
{
    /// <summary>
    /// Goal: no two ever write to the terminal at once. Method: a display that would notice, and notes from eight
    /// threads at once beside steps and validations.
    /// </summary>
    [Fact]
    public async Task Display_NotesStepsAndValidationsFromManyThreads_OneCallAtATime()
    {
        TrainingJob job = TinyJob.Create();
        Watchful display = new();
        using RunMetrics metrics = new(TimeProvider.System);
        JournalSettings settings = new(job, First: 0, display, metrics);
        IActorRef journal = Sys.ActorOf(ActorProps.Of(() => new JournalActor(settings)));
        StepResult step = new(1, job.Schedule.At(0), 1, default, 1, RecomputedShards: 0, DiscardedSums: 0);
        Evaluation evaluation = new(0.1, 10, 10, 5);

        Parallel.For(0, 8, (int thread) =>
        {
            for (int i = 0; i < 200; i++)
            {
                object message = ((thread + i) % 3) switch
                {
                    0 => new JournalActor.Note("a worker came"),
                    1 => new JournalActor.Steps([step]),
                    _ => new EvaluationActor.Evaluated(new(1), evaluation, Preview: null, KeepsBest: false),
                };
                journal.Tell(message);
            }
        });

        TrainRecord totals = await journal.Ask<TrainRecord>(new JournalActor.End());
        Assert.Equal(1600, display.Calls);
        Assert.Equal(0, display.Overlaps);
        Assert.Same(evaluation, totals.LastEvaluation);
    }

    /// <summary>What a checkpoint vouches for is on disk before it is.</summary>
    [Fact]
    public async Task FlushThen_PendingStep_IsWrittenBeforeTheMessageIsPassedOn()
    {
        string path = Path.GetTempFileName();
        TrainingJob job = TinyJob.Create();
        using RunMetrics metrics = new(TimeProvider.System);
        JournalSettings settings = new(job, 0, new Watchful(), metrics)
        {
            OpenLog = () => new MetricsLog(path, 0, TimeProvider.System),
        };
        IActorRef journal = Sys.ActorOf(ActorProps.Of(() => new JournalActor(settings)));
        TestProbe checkpoints = CreateTestProbe();
        journal.Tell(new JournalActor.Steps([new(1, job.Schedule.At(0), 1, default, 1, 0, 0)]));
        journal.Tell(new JournalActor.FlushThen(checkpoints, "save"), TestActor);

        await checkpoints.ExpectMsgAsync("save");
        Assert.Equal(TestActor, checkpoints.LastSender);
        Assert.Contains("\"step\":1", await File.ReadAllTextAsync(path), StringComparison.Ordinal);
        await journal.GracefulStop(TimeSpan.FromSeconds(5));
        File.Delete(path);
    }

    /// <summary>Counts calls, and those that come while another one is under way.</summary>
    private sealed class Watchful : ITrainingDisplay
    {
        private int _inside;
        private int _calls;
        private int _overlaps;

        public int Calls => _calls;

        public int Overlaps => _overlaps;

        public void Note(string line) => Enter();

        public void OnStep(in StepProgress progress) => Enter();

        public void OnValidated(int step, Evaluation evaluation) => Enter();

        private void Enter()
        {
            if (Interlocked.Increment(ref _inside) > 1)
            {
                Interlocked.Increment(ref _overlaps);
            }

            Thread.SpinWait(500);
            Interlocked.Increment(ref _calls);
            Interlocked.Decrement(ref _inside);
        }
    }
}
