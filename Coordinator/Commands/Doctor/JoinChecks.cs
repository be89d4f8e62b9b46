using System.Net;
using System.Net.Sockets;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands.Doctor;

/// <summary>Whether a worker on this machine could join, and how it would take part: asks as a worker does.</summary>
internal static class JoinChecks
{
    private const string NotReached = "Look at the address, at the firewalls, and whether the coordinator runs.";
    private const string Peer = "That works; as a member it would be watched by the cluster as well.";

    /// <summary>Asks each address.</summary>
    /// <param name="addresses">Where coordinators may be.</param>
    /// <param name="token">The workers' token.</param>
    /// <param name="version">This program's.</param>
    /// <param name="numerics">This machine's.</param>
    /// <param name="clock">For the connections.</param>
    public static async Task<IReadOnlyList<Finding>> CheckAsync(
        IReadOnlyList<HostPort> addresses, Token token, string version, string numerics, TimeProvider clock)
    {
        using Credential credential = Credential.OfWorker(token);
        List<Finding> findings = [];
        foreach (HostPort address in addresses)
        {
            try
            {
                findings.Add(Judge(address, await AskAsync(address, credential, version, numerics, clock)));
            }
            catch (AccessException exception)
            {
                findings.Add(new Finding(Health.Fail, "join", exception.Message, exception.Remedy));
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                findings.Add(new Finding(Health.Fail, "join", $"{address}: {exception.Message}.", NotReached));
            }
        }

        return findings;
    }

    /// <summary>Judges an answer.</summary>
    internal static Finding Judge(HostPort address, ProbeAnswer answer)
    {
        string who = $"{address} is a coordinator of version {answer.Version}";
        return answer switch
        {
            { Verdict: ProbeVerdict.Secret } => new Finding(
                Health.Fail, "join", $"{address} does not accept this token.", "Copy join.token from its secrets."),
            { Verdict: ProbeVerdict.Version } => new Finding(
                Health.Fail, "join", $"{answer.Reason}.", "Install the same version on both."),
            { Verdict: not ProbeVerdict.Ok } => new Finding(
                Health.Fail, "join", $"{answer.Reason}.", "Only equal arithmetic gives equal bits."),
            { IsHolder: false, Address: { } holder } => new Finding(
                Health.Ok, "join", $"{who}, a standby; the run is held by {holder}"),
            { IsHolder: false } => new Finding(
                Health.Warn, "join", $"{who}, but holds no run.", "Workers wait until it does."),
            { IsDialled: true } => new Finding(
                Health.Ok, "join", $"{who}; a worker here takes part as a member, seen from there as {answer.You}"),
            _ => new Finding(
                Health.Warn, "join", $"{who}; a worker here takes part as a peer: {answer.Reason}.", Peer),
        };
    }

    /// <summary>Listens for the time of the question, so that the coordinator can try to dial back.</summary>
    private static async Task<ProbeAnswer> AskAsync(
        HostPort address, Credential credential, string version, string numerics, TimeProvider clock)
    {
        IPAddress local = LocalAddress.Towards(address);
        await using ConnectionListener listener =
            ConnectionListener.Start(new ListenAddress(local, 0), credential, clock, _ => { });
        listener.OnProbe = (_, _, _) => Task.FromResult(
            new ProbeAnswer { Verdict = ProbeVerdict.Ok, Version = version });
        ProbeQuestion question = new()
        {
            Role = ProbeRole.Worker,
            Version = version,
            Numerics = numerics,
            Name = "doctor",
            Advertise = new HostPort(local.ToString(), listener.Bound.Port),
        };
        return await Probe.AskAsync(address, credential, question, CancellationToken.None);
    }
}
