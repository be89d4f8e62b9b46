using System.Net;
using System.Net.Sockets;

namespace Distributed.Protocol.Cluster;

/// <summary>Asks a listener before anything else: it answers whoever has the token, whatever its version.</summary>
public static class Probe
{
    private static readonly TimeSpan s_answerMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_dialBackMax = TimeSpan.FromSeconds(4);

    /// <summary>Asks.</summary>
    /// <param name="to">Whom.</param>
    /// <param name="own">What to show.</param>
    /// <param name="question">What.</param>
    /// <param name="stop">Gives up.</param>
    /// <param name="accepted">Keys that the other end may show; the coordinator's if not given.</param>
    /// <exception cref="IOException">The other end cannot be reached now, or does not answer.</exception>
    /// <exception cref="AccessException">It shows a key that is not accepted.</exception>
    public static Task<ProbeAnswer> AskAsync(
        HostPort to, Credential own, ProbeQuestion question, CancellationToken stop, params PeerKey[] accepted) =>
        Dialer.RunAsync(
            () =>
            {
                using Connection connection = Dialer.Dial(
                    to, new Dialer.Call(own, ConnectionKind.Probe, default, false, accepted), stop);
                return Dialer.Talk(connection.Socket, to, s_answerMax, () => Ask(connection.Stream, question), stop);
            },
            stop);

    /// <summary>
    /// Looks whether a worker can be dialled: at the address that it asks from, at the port that it names, if that is
    /// what it calls itself.
    /// </summary>
    /// <returns>The answer with <see cref="ProbeAnswer.IsDialled"/>, or with the reason why not.</returns>
    public static async Task<ProbeAnswer> DialBackAsync(
        ProbeAnswer answer, ProbeQuestion question, Connection connection, Credential own, CancellationToken stop)
    {
        if (question.Advertise is not { } advertised)
        {
            return answer with { Reason = "it does not listen" };
        }

        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(stop);
        time.CancelAfter(s_dialBackMax);
        HostPort source = HostPort.Of(connection.Remote) with { Port = advertised.Port };
        try
        {
            if (!await IsSameAsync(advertised.Host, connection.Remote.Address, time.Token))
            {
                return answer with { Reason = $"it calls itself {advertised}, but asks from {source.Host}" };
            }

            ProbeQuestion back = new() { Role = ProbeRole.Tool, Version = answer.Version };
            await AskAsync(source, own, back, time.Token, PeerKey.Worker);
            return answer with { IsDialled = true };
        }
        catch (Exception exception) when (exception is IOException or AccessException
            || (exception is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return answer with { Reason = $"it cannot be dialled at {source}: {exception.Message}" };
        }
    }

    private static ProbeAnswer Ask(Stream stream, ProbeQuestion question)
    {
        stream.Write(question.ToBytes());
        return ProbeAnswer.Parse(ProbeText.Read(stream));
    }

    /// <summary>Whether a name leads to an address.</summary>
    private static async Task<bool> IsSameAsync(string host, IPAddress address, CancellationToken stop)
    {
        if (IPAddress.TryParse(host, out IPAddress? literal))
        {
            return literal.Equals(address);
        }

        try
        {
            return (await Dns.GetHostAddressesAsync(host, stop)).Any(found => HostPort.Plain(found).Equals(address));
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
