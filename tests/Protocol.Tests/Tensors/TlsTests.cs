using System.Buffers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Protocol.Tests.Tensors;

/// <summary>A channel over TLS, whose records are gathered.</summary>
public sealed class TlsTests
{
    private const int Floats = 1_000_000;

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
