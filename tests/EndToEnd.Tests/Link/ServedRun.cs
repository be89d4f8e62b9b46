using System.Net;
using System.Net.Sockets;
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
using Distributed.Protocol.Link;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Core;

namespace Distributed.EndToEnd.Tests.Link;

/// <summary>A coordinator in this process that waits for workers, and never has enough of them.</summary>
internal sealed class ServedRun : IAsyncDisposable
{
    public const string Version = "1.2.3";
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-served-").FullName;
    private readonly RunMetrics _metrics = new();
    private readonly ActorSystem _system = ActorSystems.CreateLocal("served");
    private RunActors _actors = null!;

    private ServedRun(TrainingJob job, DateTimeOffset firstStart)
    {
        Job = job;
        Secrets = SecretsFolder.Open(Path.Combine(_folder, "secrets"), null, firstStart);
    }

    public TrainingJob Job { get; }

    public LinkHost Host { get; private set; } = null!;

    public SecretsFolder Secrets { get; }

    public LinkServer Server { get; private set; } = null!;

    public string Folder => _folder;

    /// <param name="data">The training data.</param>
    /// <param name="options">Bounds of links.</param>
    /// <param name="version">What the coordinator says of itself.</param>
    /// <param name="numerics">The same of its arithmetic.</param>
    /// <param name="address">Where it listens; with TLS if it is not loopback.</param>
    /// <param name="firstStart">When its certificate was made; now by default.</param>
    public static async Task<ServedRun> StartAsync(
        DataOptions data,
        LinkOptions? options = null,
        string version = Version,
        string numerics = "n",
        IPAddress? address = null,
        DateTimeOffset? firstStart = null)
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
                Steps = 1000,
                InitialWeightsSha256 = "",
            },
            source),
            firstStart ?? DateTimeOffset.UtcNow);
        await run.ServeAsync(address, options, version, numerics);
        return run;
    }

    /// <summary>A worker in this process that joins over the link.</summary>
    public RemoteWorker Worker(JobSource jobs, string version = Version, string numerics = "n") =>
        new(this, jobs, version, numerics);

    public async Task<Socket> ConnectAsync()
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Server.Address.Port);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await _actors.DisposeAsync();
        await _system.Terminate();
        _metrics.Dispose();
        Secrets.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ServeAsync(IPAddress? address, LinkOptions? options, string version, string numerics)
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
                WorkersMin = 100,
                Plan = Job.Configuration.ToJson(),
            },
            Journal = ActorProps.Of(() => new JournalActor(journal)),
            DataSet = ActorProps.Of(() => new DataSetActor(Job.Source, Path.Combine(_folder, "data.tmp"))),
        };
        _actors = await RunActors.StartAsync(_system, settings);
        Host = new LinkHost(_actors.Coordinator, Job.Gradients, _metrics, settings.Traffic, _actors.Fail);
        Server = await LinkServer.StartAsync(
            new ListenAddress(address ?? IPAddress.Loopback, 0),
            Host,
            Secrets,
            options ?? new LinkOptions(),
            TimeProvider.System);
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

/// <summary>A worker in this process that joins over a link.</summary>
internal sealed class RemoteWorker : IAsyncDisposable
{
    private readonly LinkClient _client;
    private readonly ActorSystem _system = ActorSystems.CreateLocal("worker");
    private readonly TaskCompletionSource<WorkerOrder.Exit> _ended =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IActorRef _root;

    public RemoteWorker(ServedRun run, JobSource jobs, string version, string numerics)
    {
        _client = new LinkClient(run.Server.Address, run.Secrets.Join, new LinkOptions(), TimeProvider.System);
        WorkerOptions options = new() { Identity = new WorkerMessage.Join("w", version, numerics, 1, 1) };
        Props worker = WorkerActor.Remote(new Connector(_client), options, jobs, _ => { }, _ended);
        _root = _system.ActorOf(ActorProps.Of(() => new RootActor(failure => _ended.TrySetException(failure))));
        _root.Tell(new RootActor.Start(worker, "worker"));
    }

    public Task<WorkerOrder.Exit> Ended => _ended.Task;

    public void Drain() => _system.ActorSelection(_root.Path / "worker").Tell(WorkerActor.Drain.Instance);

    public async ValueTask DisposeAsync()
    {
        await _system.Terminate();
        await _client.DisposeAsync();
    }

    private sealed class Connector(LinkClient client) : ICoordinatorConnector
    {
        public Task<ICoordinatorLink> ConnectAsync(IWorkerEndpoint endpoint, CancellationToken stopping) =>
            client.ConnectAsync(endpoint, stopping);
    }
}
