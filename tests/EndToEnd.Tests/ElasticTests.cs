using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Akka.Actor;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Core;
using Distributed.EndToEnd.Tests.Harness;
using Distributed.Framework.Data;
using Distributed.Framework.Initializers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;

namespace Distributed.EndToEnd.Tests;

/// <summary>Workers come and go while training runs, in one process: bits stay, buffers come back.</summary>
public sealed class ElasticTests
{
    private static readonly OptimizerOptions s_adam = new();

    /// <summary>
    /// Goal: no join, leave or crash of a worker changes a bit or loses a buffer. Method: three workers at first; every
    /// few steps one is drained or killed and another one starts, in turn, until the run ends.
    /// </summary>
    [Fact]
    public async Task Train_WorkersStoppedKilledAndStarted_SameBitsAndNoLeak()
    {
        int steps = Scale.Of(small: 400, full: 10_000);
        string expected = await UndisturbedAsync(steps);
        await using Training training = await Training.BeginAsync(steps);
        Queue<IActorRef> workers = new(
            [await training.StartAsync(1), await training.StartAsync(2), await training.StartAsync(1)]);
        Task<CoordinatorOrder.Finish> run = training.Run;
        int changes = 0;
        while (!run.IsCompleted)
        {
            int seen = training.Steps;
            await Training.StopAsync(workers.Dequeue(), kill: changes % 2 == 0);
            workers.Enqueue(await training.StartAsync(1 + (changes % 2)));
            changes++;
            await WaitAsync(() => run.IsCompleted || training.Steps >= seen + 3);
        }

        Assert.Equal(Outcome.Completed, (await run).Outcome);
        Assert.True(changes > 10, $"Only {changes} changes.");
        Assert.Equal(expected, training.Sha);
        await training.EndAsync();
    }

    /// <summary>All workers are killed in the middle, and for a while nobody is there.</summary>
    [Fact]
    public async Task Train_NobodyForAWhile_GoesOnWhenOneJoins()
    {
        string expected = await UndisturbedAsync(steps: 400);
        await using Training training = await Training.BeginAsync(steps: 400);
        Task<CoordinatorOrder.Finish> run = training.Run;
        await Task.Delay(100);
        Assert.Equal(0, training.Steps);

        IActorRef first = await training.StartAsync(1);
        IActorRef second = await training.StartAsync(1);
        await WaitAsync(() => training.Steps >= 10);
        await Task.WhenAll(Training.StopAsync(first, kill: true), Training.StopAsync(second, kill: true));
        int seen = training.Steps;
        await Task.Delay(200);
        Assert.InRange(training.Steps, seen, seen + 1);
        Assert.False(run.IsCompleted);

        await training.StartAsync(2);
        Assert.Equal(Outcome.Completed, (await run).Outcome);
        Assert.Equal(expected, training.Sha);
        await training.EndAsync();
    }

    /// <summary>A stop in mid-run leaves sums and parameters on their way: they come back too.</summary>
    [Fact]
    public async Task Stop_InMidRun_GivesEveryBufferBack()
    {
        await using Training training = await Training.BeginAsync(steps: 100_000);
        await training.StartAsync(2);
        await training.StartAsync(1);
        Task<CoordinatorOrder.Finish> run = training.Run;
        await WaitAsync(() => training.Steps >= 5);
        training.Stop();
        Assert.Equal(Outcome.Stopped, (await run).Outcome);
        await training.EndAsync();
    }

    /// <summary>A local worker that fails ends the run, and is named: nobody would ever compute its shards.</summary>
    [Fact]
    public async Task Train_ComputeThreadFails_EndsTheRunAndNamesTheWorker()
    {
        await using Training training = await Training.BeginAsync(steps: 10, isFaulty: true);
        await training.StartAsync(1);
        ActorFailedException exception = await Assert.ThrowsAsync<ActorFailedException>(() => training.Run);
        Assert.Equal("worker-1", exception.Name);
        Assert.IsType<InvariantException>(exception.InnerException);
        Assert.Contains("FaultySource", exception.InnerException.StackTrace, StringComparison.Ordinal);
    }

    /// <summary>Workers that are killed while they get ready, or before, leave nothing behind either.</summary>
    [Fact]
    public async Task Kill_WorkersThatJustStarted_LeavesNothingBehind()
    {
        await using Training training = await Training.BeginAsync(steps: 1_000_000);
        Task<CoordinatorOrder.Finish> run = training.Run;
        for (int i = 0; i < 40; i++)
        {
            IActorRef worker = await training.StartAsync(2);
            Thread.SpinWait(i * 4000);
            await Training.StopAsync(worker, kill: i % 2 == 0);
        }

        training.Stop();
        Assert.Equal(Outcome.Stopped, (await run).Outcome);
        await training.EndAsync();
    }

    /// <summary>Goal: compute threads allocate nothing. Method: read their counters long after warm-up.</summary>
    [Fact]
    public async Task ComputeThreads_SteadyState_AllocateNothing()
    {
        await using Training training = await Training.BeginAsync(steps: 1_000_000);
        await training.StartAsync(2);
        await training.StartAsync(1);
        await WaitAsync(() => training.Steps >= 40);
        long warm = training.AllocatedBytes;
        int steps = training.Steps;
        await WaitAsync(() => training.Steps >= steps + 80);
        Assert.Equal(warm, training.AllocatedBytes);

        training.Stop();
        Assert.Equal(Outcome.Stopped, (await training.Run).Outcome);
        await training.EndAsync();
    }

    private static async Task<string> UndisturbedAsync(int steps)
    {
        await using Training training = await Training.BeginAsync(steps);
        await training.StartAsync(1);
        Assert.Equal(Outcome.Completed, (await training.Run).Outcome);
        await training.EndAsync();
        return training.Sha;
    }

    private static async Task WaitAsync(Func<bool> isSo)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        while (!isSo())
        {
            await Task.Delay(1, patience.Token);
        }
    }

    /// <summary>A coordinator and its local workers, without a run folder.</summary>
    private sealed class Training : IAsyncDisposable
    {
        private readonly TestFolder _folder = new();
        private readonly TrainingJob _job;
        private readonly TrainingState _state;
        private readonly LocalWorkers _workers;
        private readonly ActorSystem _system = ActorSystems.CreateLocal("test");
        private RunActors _actors = null!;
        private int _steps;

        private Training(int steps, bool isFaulty)
        {
            DataOptions data = new() { Source = PairFile.Write(_folder["train.pkl"], 50) };
            PairSource source = DataSources.OpenTraining(data);
            Model model = new(Catalogue.Find("n2n-initial:channels=4", source.Shape.C)!);
            float[] initial = new float[model.ParameterCount];
            DefaultInitializer.Fill(model, seed: 0, initial);
            RunConfiguration configuration = new()
            {
                Model = "n2n-initial:channels=4",
                Layers = ModelSpec.Write(Catalogue.Find("n2n-initial:channels=4", source.Shape.C)!),
                Data = data,
                DataHash = source.ContentHash,
                Optimizer = s_adam,
                Batch = 23,
                Shard = 2,
                Steps = steps,
                InitialWeightsSha256 = "",
            };
            _job = new TrainingJob(configuration, isFaulty ? new FaultySource(source) : source);
            _state = new TrainingState(initial, s_adam.Create(model.ParameterCount));
            _workers = new LocalWorkers(_job, new Term(1));
        }

        public Task<CoordinatorOrder.Finish> Run => _actors.Finished;

        public int Steps => Volatile.Read(ref _steps);

        /// <summary>What compute threads have allocated.</summary>
        public long AllocatedBytes => _workers.AllocatedBytes;

        public string Sha =>
            Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(_state.Parameters.Values.Span)));

        public static async Task<Training> BeginAsync(int steps, bool isFaulty = false)
        {
            Training training = new(steps, isFaulty);
            training._actors = await RunActors.StartAsync(training._system, new CoordinatorSettings
            {
                Job = training._job,
                State = training._state,
                Term = new Term(1),
                First = new Step(0),
                Options = new CoordinatorOptions { Version = "1", Numerics = "n", HasValidation = false },
                Journal = ActorProps.Of(() => new CountingJournal(training.OnSteps)),
                LocalWorker = training._workers.Describe,
                JournalInterval = TimeSpan.Zero,
            });
            return training;
        }

        public Task<IActorRef> StartAsync(int threads) => _actors.StartWorkerAsync(threads);

        public static async Task StopAsync(IActorRef worker, bool kill)
        {
            Task ended = worker.WatchAsync();
            worker.Tell(kill ? WorkerActor.Kill.Instance : WorkerActor.Drain.Instance);
            await ended;
        }

        public void Stop() => _actors.Stop(forAll: true);

        /// <summary>Ends everybody and counts what they still hold: the current weights, and no gradient.</summary>
        public async Task EndAsync()
        {
            await _actors.DisposeAsync();
            Assert.Equal(0, _job.Gradients.Outstanding);
            Assert.Equal(1, _state.BuffersOutstanding);
        }

        public async ValueTask DisposeAsync()
        {
            await _actors.DisposeAsync();
            await _system.Terminate();
            _folder.Dispose();
        }

        private void OnSteps(JournalActor.Steps steps) => Volatile.Write(ref _steps, steps.Results[^1].Steps);
    }

    /// <summary>Counts steps; writes nothing down.</summary>
    private sealed class CountingJournal(Action<JournalActor.Steps> onSteps) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is JournalActor.Steps steps)
            {
                onSteps(steps);
            }
        }
    }

    /// <summary>Pairs that cannot be read, through a fault of the program.</summary>
    private sealed class FaultySource(PairSource source) : PairSource
    {
        public override int Count => source.Count;

        public override ImageShape Shape => source.Shape;

        public override bool HasCleanTargets => source.HasCleanTargets;

        public override string ContentHash => source.ContentHash;

        public override void Read(int index, int epoch, Span<float> input, Span<float> target) =>
            throw new InvariantException("Pairs can be read.");
    }
}
