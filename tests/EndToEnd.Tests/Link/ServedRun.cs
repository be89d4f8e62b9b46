using System.Net;
using System.Net.Sockets;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Core;
using Distributed.Coordinator.Http;
using Distributed.Framework.Data;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Engines;
using Distributed.Protocol.Link;
using Distributed.Protocol.Messages;
using Distributed.Worker.Actors;
using Distributed.Worker.Core;

namespace Distributed.EndToEnd.Tests.Link;

/// <summary>A coordinator in this process that waits for workers, and never has enough of them.</summary>
internal sealed class ServedRun : ITrainingObserver, IAsyncDisposable
{
    public const string Version = "1.2.3";
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-served-").FullName;
    private readonly DataBlocks _data;
    private readonly Task _run;

    private ServedRun(TrainingJob job, string version, string numerics, DateTimeOffset firstStart)
    {
        Job = job;
        Secrets = SecretsFolder.Open(Path.Combine(_folder, "secrets"), null, firstStart);
        CoordinatorOptions options = new() { Version = version, Numerics = numerics, WorkersMin = 100 };
        TrainingState state = new(new float[job.Model.ParameterCount], new Sgd(job.Model.ParameterCount));
        CoordinatorMachine machine = new(new Term(1), new Step(0), job.Schedule, options);
        _data = new DataBlocks(job.Source, Path.Combine(_folder, "data.tmp"));
        Host = new CoordinatorHost(job, state, machine, options, this, TimeProvider.System) { Data = _data };
        _run = Host.RunAsync();
    }

    public TrainingJob Job { get; }

    public CoordinatorHost Host { get; }

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
            version,
            numerics,
            firstStart ?? DateTimeOffset.UtcNow);
        run.Server = await LinkServer.StartAsync(
            new ListenAddress(address ?? IPAddress.Loopback, 0, IsAskedFor: true),
            run.Host,
            run.Secrets,
            options ?? new LinkOptions(),
            TimeProvider.System);
        return run;
    }

    /// <summary>A worker in this process that joins over the link.</summary>
    public (WorkerHost Host, LinkClient Client) Worker(JobSource jobs, string version = Version, string numerics = "n")
    {
        LinkClient client = new(Server.Address, Secrets.Join, new LinkOptions(), TimeProvider.System);
        return (
            new WorkerHost(
                new WorkerIdentity("w", version, numerics, 1),
                new Connector(client),
                jobs.Prepare,
                new WorkerOptions(),
                TimeProvider.System),
            client);
    }

    public async Task<Socket> ConnectAsync()
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Server.Address.Port);
        return socket;
    }

    public void Note(string line)
    {
    }

    public void OnStep(in StepResult result)
    {
    }

    public void Validate(TrainingState state, int steps)
    {
    }

    public Task SaveAsync(TrainingState state, int steps) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        Host.Stop();
        await _run;
        await Server.DisposeAsync();
        await Host.DisposeAsync();
        _data.Dispose();
        Secrets.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class Connector(LinkClient client) : ICoordinatorConnector
    {
        public Task<ICoordinatorLink> ConnectAsync(IWorkerEndpoint endpoint, CancellationToken stopping) =>
            client.ConnectAsync(endpoint, stopping);
    }
}
