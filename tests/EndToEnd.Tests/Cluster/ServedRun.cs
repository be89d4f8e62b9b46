using System.Collections.Concurrent;
using System.Net;
using Akka.Actor;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Http;
using Distributed.Framework.Data;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Core;

namespace Distributed.EndToEnd.Tests.Cluster;

/// <summary>A coordinator in this process that waits for workers; unless it is told, it never has enough.</summary>
internal sealed class ServedRun : IAsyncDisposable
{
    public const string Version = "1.2.3";
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-served-").FullName;
    private readonly RunMetrics _metrics = new(TimeProvider.System);
    private readonly int _workersMin;
    private CoordinatorNode _node = null!;
    private IAsyncDisposable _port = null!;
    private RunActors _actors = null!;

    private ServedRun(TrainingJob job, DateTimeOffset firstStart, int workersMin)
    {
        Job = job;
        _workersMin = workersMin;
        Secrets = SecretsFolder.Open(Path.Combine(_folder, "secrets"), null, firstStart);
    }

    public TrainingJob Job { get; }

    public int WorkersReady => _metrics.WorkersReady;

    /// <summary>Where the coordinator's actors live.</summary>
    public ActorSystem System => _node.System!;

    public int Port => _node.Advertised.Port;

    public SecretsFolder Secrets { get; }

    public string Folder => _folder;

    /// <param name="data">The training data.</param>
    /// <param name="version">What the coordinator says of itself.</param>
    /// <param name="numerics">The same of its arithmetic.</param>
    /// <param name="address">Where it listens; with TLS if it is not loopback.</param>
    /// <param name="firstStart">When its certificate was made; now by default.</param>
    /// <param name="workersMin">With how many workers it trains, for a million steps.</param>
    public static async Task<ServedRun> StartAsync(
        DataOptions data,
        string version = Version,
        string numerics = "n",
        IPAddress? address = null,
        DateTimeOffset? firstStart = null,
        int workersMin = 100)
    {
        Sequential layers = Catalogue.Find("n2n-final:channels=16", 3)!;
        PairSource source = DataSources.OpenTraining(data);
        ServedRun run = new(new TrainingJob(
            new RunConfiguration
            {
                Model = "small",
                Layers = ModelSpec.Write(layers),
                Data = data,
                DataHash = source.ContentHash,
                Batch = 8,
                Shard = 4,
                Steps = 1_000_000,
                InitialWeightsSha256 = "",
            },
            source),
            firstStart ?? DateTimeOffset.UtcNow,
            workersMin);
        await run.ServeAsync(address, version, numerics);
        return run;
    }

    /// <summary>A worker in this process that joins over the network.</summary>
    public RemoteWorker Worker(JobSource jobs, int threads = 1) =>
        new(Port, Secrets.Join, jobs, new WorkerMessage.Join("w", Version, "n", threads, Incarnation: 1));

    public async ValueTask DisposeAsync()
    {
        await _port.DisposeAsync();
        await _actors.DisposeAsync();
        await _node.DisposeAsync();
        _metrics.Dispose();
        Secrets.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ServeAsync(IPAddress? address, string version, string numerics)
    {
        JournalSettings journal = new(Job, 0, new NoDisplay(), _metrics);
        CoordinatorSettings settings = new()
        {
            Job = Job,
            State = new TrainingState(new float[Job.Model.ParameterCount], new Sgd(Job.Model.ParameterCount)),
            Term = new Term(1),
            First = new Step(0),
            Options = new CoordinatorOptions
            {
                Version = version,
                Numerics = numerics,
                WorkersMin = _workersMin,
                Plan = (Job.Configuration with { DataIndex = Job.Source.Packed?.Index.Hash }).ToJson(),
            },
            Journal = ActorProps.Of(() => new JournalActor(journal)),
            DataSet = ActorProps.Of(() => new DataSetActor(Job.Source)),
        };
        NodeOptions options = new(
            new ListenAddress(address ?? IPAddress.Loopback, 0), null, Path.Combine(_folder, "secrets"), null);
        _node = CoordinatorNode.Start(options, version, numerics, TimeProvider.System);
        _node.Hold(new Term(1));
        _actors = await RunActors.StartAsync(_node.System!, settings);
        _port = _node.Open(
            new RunPort(_actors.Coordinator, Job.Gradients, settings.Traffic, _actors.Fail), _ => { });
    }

    /// <summary>Shows nothing.</summary>
    private sealed class NoDisplay : ITrainingDisplay
    {
        public void Note(string line)
        {
        }

        public void OnStep(in StepProgress progress)
        {
        }

        public void OnValidated(int step, Evaluation evaluation)
        {
        }
    }
}

/// <summary>A worker in this process that joins over the network.</summary>
internal sealed class RemoteWorker : IAsyncDisposable
{
    private readonly ClusterConnector _connector;
    private readonly ActorSystem _system = ActorSystems.CreateLocal("worker");
    private readonly TaskCompletionSource<WorkerOrder.Exit> _ended =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly IActorRef _root;

    public RemoteWorker(int port, Token token, JobSource jobs, WorkerMessage.Join identity)
    {
        WorkerOptions options = new() { Identity = identity };
        JoinAddresses addresses = new([new HostPort("127.0.0.1", port)], Listen: null, Advertise: null);
        _connector = new ClusterConnector(
            addresses,
            token,
            options.Identity,
            _lines.Enqueue,
            fault => _ended.TrySetException(fault),
            TimeProvider.System);
        Props worker = WorkerActor.Remote(_connector, options, jobs, _lines.Enqueue, _ended);
        _root = _system.ActorOf(ActorProps.Of(() => new RootActor(failure => _ended.TrySetException(failure))));
        _root.Tell(new RootActor.Start(worker, "worker"));
    }

    public Task<WorkerOrder.Exit> Ended => _ended.Task;

    /// <summary>What it has said, a line each.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    public void Drain() => _system.ActorSelection(_root.Path / "worker").Tell(WorkerActor.Drain.Instance);

    public async ValueTask DisposeAsync()
    {
        await _system.Terminate();
        await _connector.DisposeAsync();
    }
}
