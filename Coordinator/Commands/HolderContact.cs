using Akka.Actor;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Runs;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Commands;

/// <summary>Asks a run's holder at the address in its folder, as a plain peer that nobody can dial.</summary>
internal sealed class HolderContact : IHolderContact
{
    private static readonly TimeSpan s_answerMax = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    public async Task<FolderStatus?> AskAsync(FolderStatus known, CancellationToken stop) =>
        await AskAsync<RunStatus>(known, new StatusRequest(), stop) is { } live ? known with { Live = live } : null;

    /// <inheritdoc/>
    public async Task<bool> StopAsync(FolderStatus known, CancellationToken stop) =>
        await AskAsync<StopAccepted>(known, new StopRequest(), stop) is not null;

    /// <summary>The answer; null if the holder listens nowhere, or does not answer.</summary>
    private static async Task<T?> AskAsync<T>(FolderStatus known, RunMessage question, CancellationToken stop)
        where T : class
    {
        string secrets = OptionsFile.Find(known.Run)?.Secrets ?? Path.Combine(known.Run, "secrets");
        string token = Path.Combine(secrets, "join.token");
        if (known.Holder?.Address is not { } text || HostPort.Parse(text) is not { } address || !File.Exists(token))
        {
            return null;
        }

        using Credential credential = Credential.OfWorker(Token.Find(token)!);
        HostPort own = new($"tool-{Guid.NewGuid():N}", 1);
        ActorSystem system = ActorSystems.CreateTool(new TransportSetup(null, credential, own, other => other));
        try
        {
            ProbeQuestion probe = new() { Role = ProbeRole.Tool, Version = TrainSession.Version };
            ProbeAnswer answer = await Probe.AskAsync(address, credential, probe, stop);
            return answer is { Verdict: ProbeVerdict.Ok, IsHolder: true }
                ? await system.ActorSelection($"akka.tcp://{system.Name}@{address}/user/coordinator")
                    .Ask<T>(question, s_answerMax, stop)
                : null;
        }
        catch (Exception exception) when (exception is IOException or AccessException or AskTimeoutException)
        {
            return null;
        }
        finally
        {
            await Task.WhenAny(system.Terminate(), Task.Delay(s_answerMax, stop));
        }
    }
}
