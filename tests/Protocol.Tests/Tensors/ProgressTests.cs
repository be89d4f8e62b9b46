using System.Buffers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Tests.Tensors;

/// <summary>Payloads that are sent while they are made.</summary>
public sealed class ProgressTests
{
    private const int Floats = 1_000_000;

    /// <summary>What is final leaves, to all; messages overtake what is not; each float arrives as it became.</summary>
    [Fact]
    public void FloatsThatAreFinal_LeaveBeforeTheRestIsMade()
    {
        using ChannelPair first = ChannelPair.Start(Floats);
        using ChannelPair second = ChannelPair.Start(Floats);
        ChannelPair[] pairs = [first, second];
        Ledger ledger = new();
        ProgressivePayload payload = new(ledger.Rent(Floats));
        foreach (ChannelPair pair in pairs)
        {
            pair.Coordinator.Send(ChannelPair.Weights(1, payload.AddReference()));
        }

        for (int part = 1; part <= 4; part++)
        {
            int end = Floats / 4 * part;
            for (int i = Floats / 4 * (part - 1); i < end; i++)
            {
                payload.Memory.Span[i] = Ledger.Value(i, 3);
            }

            payload.Advance(end);
            foreach (ChannelPair pair in pairs)
            {
                // All but less than a chunk is there before the next part is made.
                Assert.True(SpinWait.SpinUntil(
                    () => pair.Worker.Traffic.Received > (end * sizeof(float)) - (64 << 10), TimeSpan.FromSeconds(30)));
                Assert.InRange(pair.Worker.Traffic.Received, 0, (end * sizeof(float)) + 10_000);
                if (part < 4)
                {
                    pair.Coordinator.Send(new CoordinatorMessage.Heartbeat(new Term(part)));
                    Assert.Equal(new CoordinatorMessage.Heartbeat(new Term(part)), pair.WorkerEnd.Take());
                }
            }
        }

        payload.Dispose();
        foreach (ChannelPair pair in pairs)
        {
            CoordinatorMessage weights = pair.WorkerEnd.Take();
            Assert.Equal(Ledger.Value(Floats - 1, 3), weights.Payload!.Memory.Span[Floats - 1]);
            Assert.Equal(Ledger.Value(Floats / 4, 3), weights.Payload.Memory.Span[Floats / 4]);
            weights.Release();
        }

        Assert.True(SpinWait.SpinUntil(() => ledger.Outstanding == 0, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void PayloadThatFails_IsAFaultOfItsSender()
    {
        using ChannelPair pair = ChannelPair.Start(Floats);
        ProgressivePayload payload = new(pair.Ledger.Rent(Floats));
        pair.Coordinator.Send(ChannelPair.Weights(1, payload.AddReference()));
        payload.Advance(Floats / 2);
        payload.Fail(new InvalidDataException("the step diverged"));
        pair.AwaitEnds();
        Assert.Contains("not made", Assert.Single(pair.CoordinatorEnd.Faults).Message, StringComparison.Ordinal);
        Assert.Empty(pair.WorkerEnd.Faults);
        payload.Dispose();
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    /// <summary>Closing waits for the rest of a payload, but not for long.</summary>
    [Fact]
    public void PayloadThatIsNeverFinished_DoesNotKeepAChannelOpen()
    {
        using ChannelPair pair = ChannelPair.Start(Floats, ChannelPair.Short);
        ProgressivePayload payload = new(pair.Ledger.Rent(Floats));
        pair.Coordinator.Send(ChannelPair.Weights(1, payload));
        payload.Advance(Floats / 2);
        pair.Coordinator.Close("enough");
        Assert.Equal("enough", pair.WorkerEnd.AwaitClosed());
        Assert.Equal("enough", pair.CoordinatorEnd.AwaitClosed());
        Assert.Equal(0, pair.Ledger.Outstanding);
    }

    /// <summary>The same over TLS, whose records are gathered.</summary>
    [Fact]
    public async Task Tls_CarriesFloatsAndTheEnd()
    {
        (Stream near, Stream far) = ChannelPair.Connect();
        using GatheringStream server = new(near);
        using GatheringStream client = new(far);
        using SslStream serverTls = new(server);
        using X509Certificate2 certificate = MakeCertificate();
        using SslStream clientTls = new(
            client, false, (_, shown, _, _) => certificate.RawDataMemory.Span.SequenceEqual(shown!.GetRawCertData()));
        Task proof = serverTls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = certificate,
            EnabledSslProtocols = SslProtocols.Tls13,
        });
        await clientTls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "test" });
        await proof;
        server.Gather();
        client.Gather();

        Ledger ledger = new();
        Handler<WorkerMessage> coordinatorEnd = new(ledger, Floats);
        Handler<CoordinatorMessage> workerEnd = new(ledger, Floats);
        using TensorChannel<CoordinatorMessage, WorkerMessage> coordinator = new(
            serverTls, serverTls, new CoordinatorFormat(), coordinatorEnd, new ChannelLimits(), coordinatorEnd.OnFault);
        using TensorChannel<WorkerMessage, CoordinatorMessage> worker = new(
            clientTls, clientTls, new WorkerFormat(), workerEnd, new ChannelLimits(), workerEnd.OnFault);
        coordinator.Start("coordinator");
        worker.Start("worker");
        for (int step = 0; step < 3; step++)
        {
            coordinator.Send(ChannelPair.Weights(step, ledger.Filled(Floats, step)));
            CoordinatorMessage weights = workerEnd.Take();
            Assert.Equal(Ledger.Value(Floats - 1, step), weights.Payload!.Memory.Span[Floats - 1]);
            worker.Send(ChannelPair.Sum(step, weights.Payload));
            WorkerMessage sum = coordinatorEnd.Take();
            Assert.Equal(Ledger.Value(12_345, step), sum.Payload!.Memory.Span[12_345]);
            sum.Release();
        }

        coordinator.Send(new CoordinatorMessage.Finish("done"));
        coordinator.Close("the run is over");
        Assert.Equal("the run is over", workerEnd.AwaitClosed());
        Assert.Equal(new CoordinatorMessage.Finish("done"), workerEnd.Take());
        coordinatorEnd.AwaitClosed();
        Assert.Equal(0, ledger.Outstanding);
    }

    private static X509Certificate2 MakeCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=test", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
