using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Core;
using Distributed.EndToEnd.Tests.Harness;
using Distributed.Framework.Data;
using Distributed.Framework.Initializers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;

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
        await using Training training = new(steps);
        Queue<int> workers = new([training.Workers.Start(1), training.Workers.Start(2), training.Workers.Start(1)]);
        Task<CoordinatorEffect.Finish> run = training.Host.RunAsync();
        int changes = 0;
        while (!run.IsCompleted)
        {
            int seen = training.Observer.Steps;
            await training.Workers.StopAsync(workers.Dequeue(), kill: changes % 2 == 0);
            workers.Enqueue(training.Workers.Start(1 + (changes % 2)));
            changes++;
            await WaitAsync(() => run.IsCompleted || training.Observer.Steps >= seen + 3);
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
        await using Training training = new(steps: 400);
        Task<CoordinatorEffect.Finish> run = training.Host.RunAsync();
        await Task.Delay(100);
        Assert.Equal(0, training.Observer.Steps);

        int first = training.Workers.Start(1);
        int second = training.Workers.Start(1);
        await WaitAsync(() => training.Observer.Steps >= 10);
        await Task.WhenAll(
            training.Workers.StopAsync(first, kill: true), training.Workers.StopAsync(second, kill: true));
        int seen = training.Observer.Steps;
        await Task.Delay(200);
        Assert.InRange(training.Observer.Steps, seen, seen + 1);
        Assert.False(run.IsCompleted);

        training.Workers.Start(2);
        Assert.Equal(Outcome.Completed, (await run).Outcome);
        Assert.Equal(expected, training.Sha);
        await training.EndAsync();
    }

    /// <summary>A stop in mid-run leaves sums and parameters on their way: they come back too.</summary>
    [Fact]
    public async Task Stop_InMidRun_GivesEveryBufferBack()
    {
        await using Training training = new(steps: 100_000);
        training.Workers.Start(2);
        training.Workers.Start(1);
        Task<CoordinatorEffect.Finish> run = training.Host.RunAsync();
        await WaitAsync(() => training.Observer.Steps >= 5);
        training.Host.Stop();
        Assert.Equal(Outcome.Stopped, (await run).Outcome);
        await training.EndAsync();
    }

    /// <summary>A local worker that cannot take part ends the run: nobody would ever compute its shards.</summary>
    [Fact]
    public async Task Train_LocalWorkerIsRefused_EndsWithItsReason()
    {
        await using Training training = new(steps: 10);
        training.Workers.Start(threads: 0);
        Exception exception = await Assert.ThrowsAsync<InvalidOperationException>(training.Host.RunAsync);
        Assert.Contains("0 threads", exception.Message, StringComparison.Ordinal);
        await training.EndAsync();
    }

    /// <summary>Workers that are killed while they get ready, or before, leave nothing behind either.</summary>
    [Fact]
    public async Task Kill_WorkersThatJustStarted_ShardsNothingBehind()
    {
        await using Training training = new(steps: 1_000_000);
        Task<CoordinatorEffect.Finish> run = training.Host.RunAsync();
        for (int i = 0; i < 40; i++)
        {
            int worker = training.Workers.Start(2);
            Thread.SpinWait(i * 4000);
            await training.Workers.StopAsync(worker, kill: i % 2 == 0);
        }

        training.Host.Stop();
        Assert.Equal(Outcome.Stopped, (await run).Outcome);
        await training.EndAsync();
    }

    /// <summary>Goal: compute threads allocate nothing. Method: read their counters long after warm-up.</summary>
    [Fact]
    public async Task ComputeThreads_SteadyState_AllocateNothing()
    {
        await using Training training = new(steps: 120);
        training.Workers.Start(2);
        training.Workers.Start(1);
        await training.Host.RunAsync();

        long[] allocated = training.Observer.Allocated;
        Assert.True(
            allocated[^1] == allocated[39],
            $"{allocated[^1] - allocated[39]} bytes in 80 steps: {string.Join(' ', allocated)}");
        await training.EndAsync();
    }

    private static async Task<string> UndisturbedAsync(int steps)
    {
        await using Training training = new(steps);
        training.Workers.Start(1);
        Assert.Equal(Outcome.Completed, (await training.Host.RunAsync()).Outcome);
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

        public Training(int steps)
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
            _job = new TrainingJob(configuration, source);
            _state = new TrainingState(initial, s_adam.Create(model.ParameterCount));
            CoordinatorOptions options = new() { Version = "1", Numerics = "n", HasValidation = false };
            CoordinatorMachine machine = new(new Term(1), new Step(0), _job.Schedule, options);
            Observer = new CountingObserver(() => Workers!.AllocatedBytes);
            Host = new CoordinatorHost(_job, _state, machine, options, Observer, TimeProvider.System);
            Workers = new LocalWorkers(Host, _job, "1", "n", TimeProvider.System);
        }

        public CoordinatorHost Host { get; }

        public LocalWorkers Workers { get; }

        public CountingObserver Observer { get; }

        public string Sha =>
            Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(_state.Parameters.Values.Span)));

        /// <summary>Ends everybody and counts what they still hold: the current parameters, and no gradient.</summary>
        public async Task EndAsync()
        {
            await Workers.DisposeAsync();
            await Host.DisposeAsync();
            Assert.Equal(0, _job.Gradients.Outstanding);
            Assert.Equal(1, _state.BuffersOutstanding);
        }

        public async ValueTask DisposeAsync()
        {
            await Workers.DisposeAsync();
            await Host.DisposeAsync();
            _folder.Dispose();
        }
    }

    /// <summary>Counts steps, and what compute threads had allocated when each was done; saves nothing.</summary>
    private sealed class CountingObserver(Func<long> allocated) : ITrainingObserver
    {
        private readonly List<long> _allocated = [];
        private int _steps;

        public int Steps => Volatile.Read(ref _steps);

        public long[] Allocated => [.. _allocated];

        public void Note(string line)
        {
        }

        public void OnStep(in StepResult result)
        {
            _allocated.Add(allocated());
            Volatile.Write(ref _steps, result.Steps);
        }

        public void Validate(TrainingState state, int steps)
        {
        }

        public Task SaveAsync(TrainingState state, int steps) => Task.CompletedTask;
    }
}
