using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;
using Distributed.Protocol.Tensors;

namespace Distributed.Benchmarks;

/// <summary>The tensor channel beside bare blocking streams: floats to workers and as many back from each.</summary>
/// <remarks>
/// All in one process over loopback; the four take turns, round by round. What waits does not spin: there may be two
/// cores only, and the connections need them.
/// </remarks>
internal static class ChannelTable
{
    private static readonly X509Certificate2 s_certificate = MakeCertificate();

    /// <summary>Measures and prints it.</summary>
    /// <param name="rounds">Of the larger size; the smaller one gets a hundred times as many.</param>
    public static void Write(int rounds)
    {
        Console.WriteLine("| floats there and back | connection | bare ms | channel ms | ratio | MB allocated |");
        Console.WriteLine("|---|---|---|---|---|---|");
        WriteRows("0.75 MB, two workers", floats: 187_500, workers: 2, rounds * 100);
        WriteRows("100 MB, one worker", floats: 25_000_000, workers: 1, rounds);
    }

    private static void WriteRows(string name, int floats, int workers, int rounds)
    {
        using Star barePlain = BareStar(floats, workers, isEncrypted: false);
        using Star plain = ChannelStar(floats, workers, isEncrypted: false);
        using Star bareTls = BareStar(floats, workers, isEncrypted: true);
        using Star tls = ChannelStar(floats, workers, isEncrypted: true);
        Star[] stars = [barePlain, plain, bareTls, tls];
        List<double>[] times = [[], [], [], []];
        for (int round = -(rounds / 5) - 1; round < rounds; round++)
        {
            for (int i = 0; i < stars.Length; i++)
            {
                double time = stars[i].Round().TotalMilliseconds;
                if (round >= 0)
                {
                    times[i].Add(time);
                }
            }
        }

        for (int i = 0; i < stars.Length; i += 2)
        {
            (double bare, double channel) = (Programs.Median(times[i]), Programs.Median(times[i + 1]));
            double allocated = stars[i + 1].Allocation(Math.Min(rounds, 100)) / 1e6;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {(i == 0 ? "plain" : "TLS")} | {bare:F3} | {channel:F3} | {channel / bare:F2} "
                + $"| {allocated:F4} |"));
        }
    }

    private static Star BareStar(int floats, int workers, bool isEncrypted)
    {
        Star star = new(workers);
        byte[] weights = new byte[floats * sizeof(float)];
        for (int i = 0; i < workers; i++)
        {
            (Stream near, Stream far) = star.Connect(isEncrypted);
            AutoResetEvent begin = new(false);
            star.Begin += () => begin.Set();
            byte[] sum = new byte[weights.Length];
            Start(() =>
            {
                begin.WaitOne();
                near.Write(weights);
                near.ReadExactly(sum);
                star.OnAnswer();
            });
            byte[] replica = new byte[weights.Length];
            Start(() =>
            {
                far.ReadExactly(replica);
                far.Write(replica);
            });
        }

        return star;
    }

    private static Star ChannelStar(int floats, int workers, bool isEncrypted)
    {
        Star star = new(workers);
        BufferPool pool = new(floats);
        PooledBuffer weights = pool.Rent();
        for (int i = 0; i < workers; i++)
        {
            (Stream near, Stream far) = star.Connect(isEncrypted, isGathered: true);
            TensorChannel<CoordinatorMessage, WorkerMessage> channel = new(
                near, near, new CoordinatorFormat(), new CoordinatorEnd(pool, star), new ChannelLimits(), OnFault);
            WorkerEnd worker = new(pool);
            worker.Channel = new(far, far, new WorkerFormat(), worker, new ChannelLimits(), OnFault);
            worker.Channel.Start("worker");
            channel.Start("coordinator");
            star.Begin += () => channel.Send(
                new CoordinatorMessage.Weights(new Term(1), new Step(1)) { Payload = weights.AddReference() });
        }

        return star;
    }

    private static void OnFault(Exception fault) => Environment.FailFast("The channel failed.", fault);

    /// <summary>Repeats something on a thread of its own until its connection is gone.</summary>
    private static void Start(Action round)
    {
        new Thread(() =>
        {
            try
            {
                while (true)
                {
                    round();
                }
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                // The end.
            }
        })
        { IsBackground = true }.Start();
    }

    private static X509Certificate2 MakeCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=benchmark", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>A coordinator's connections to its workers.</summary>
    private sealed class Star(int workers) : IDisposable
    {
        private readonly AutoResetEvent _isDone = new(false);
        private readonly List<Stream> _streams = [];
        private int _answersLeft;

        /// <summary>Begins a round, without waiting for its end.</summary>
        public event Action? Begin;

        /// <summary>A worker has answered.</summary>
        public void OnAnswer()
        {
            if (Interlocked.Decrement(ref _answersLeft) == 0)
            {
                _isDone.Set();
            }
        }

        /// <summary>A round to all workers and back.</summary>
        public TimeSpan Round()
        {
            _answersLeft = workers;
            long start = Stopwatch.GetTimestamp();
            Begin!();
            _isDone.WaitOne();
            return Stopwatch.GetElapsedTime(start);
        }

        /// <summary>Bytes that a round allocates, in all threads.</summary>
        public double Allocation(int rounds)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < rounds; i++)
            {
                Round();
            }

            return (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / rounds;
        }

        /// <summary>A connection over loopback, that has never done anything but block.</summary>
        public (Stream Near, Stream Far) Connect(bool isEncrypted, bool isGathered = false)
        {
            using Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            listener.Listen(1);
            Socket far = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            far.Connect(listener.LocalEndPoint!);
            Socket near = listener.Accept();
            near.NoDelay = true;
            (Stream Near, Stream Far) ends =
                (new NetworkStream(near, ownsSocket: true), new NetworkStream(far, ownsSocket: true));
            if (isEncrypted)
            {
                ends = isGathered ? EncryptGathered(ends.Near, ends.Far) : Encrypt(ends.Near, ends.Far);
            }

            _streams.AddRange([ends.Near, ends.Far]);
            return ends;
        }

        public void Dispose()
        {
            _streams.ForEach(stream => stream.Dispose());
            _isDone.Dispose();
        }

        private static (Stream Near, Stream Far) EncryptGathered(Stream near, Stream far)
        {
            GatheringStream server = new(near);
            GatheringStream client = new(far);
            (Stream Near, Stream Far) ends = Encrypt(server, client);
            server.Gather();
            client.Gather();
            return ends;
        }

        private static (Stream Near, Stream Far) Encrypt(Stream near, Stream far)
        {
            SslStream server = new(near);
            SslStream client = new(
                far,
                leaveInnerStreamOpen: false,
                (_, shown, _, _) => s_certificate.RawDataMemory.Span.SequenceEqual(shown?.GetRawCertData()));
            Task proof = Task.Run(() => server.AuthenticateAsServer(new SslServerAuthenticationOptions
            {
                ServerCertificate = s_certificate,
                EnabledSslProtocols = SslProtocols.Tls13,
            }));
            client.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = "benchmark",
                EnabledSslProtocols = SslProtocols.Tls13,
            });
            proof.Wait();
            return (server, client);
        }
    }

    private sealed class CoordinatorEnd(BufferPool pool, Star star) : IChannelHandler<WorkerMessage>
    {
        public void OnMessage(WorkerMessage message)
        {
            message.Release();
            star.OnAnswer();
        }

        public void OnHeard()
        {
        }

        public IMemoryOwner<float> Rent(WorkerMessage message, int floatCount) => pool.Rent();

        public void OnClosed(string why)
        {
        }
    }

    private sealed class WorkerEnd(BufferPool pool) : IChannelHandler<CoordinatorMessage>
    {
        public TensorChannel<WorkerMessage, CoordinatorMessage> Channel { get; set; } = null!;

        public void OnMessage(CoordinatorMessage message) => Channel.Send(
            new WorkerMessage.GradientSum(new Term(1), new Step(1), new TreeNode(0, 0), 1, 0, TimeSpan.Zero)
            {
                Payload = message.Payload,
            });

        public void OnHeard()
        {
        }

        public IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount) => pool.Rent();

        public void OnClosed(string why)
        {
        }
    }
}
