using System.Runtime.InteropServices;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Tests.Actors;

/// <summary>The pictures of <see cref="TestJob"/> as a coordinator sends them, and a cache to put them in.</summary>
internal sealed class PackedData : IDisposable
{
    public const int BlockBytes = 10_001;
    private static readonly byte[] s_bytes = Pack();
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-cache-").FullName;

    public static string Hash => TestJob.Configuration.DataHash;

    public static int Length => s_bytes.Length;

    public string Cache => Path.Combine(_folder, "cache");

    /// <summary>Names of the files in the cache.</summary>
    public string[] Files => Directory.Exists(Cache)
        ? [.. Directory.EnumerateFiles(Cache).Select(file => Path.GetFileName(file))]
        : [];

    public string Blob => Path.Combine(Cache, Hash);

    public static CoordinatorMessage.DataBlock Block(long offset)
    {
        int count = (int)Math.Min(BlockBytes, Length - offset);
        ActorTest.Payload payload = new((count + 3) / 4);
        s_bytes.AsSpan((int)offset, count).CopyTo(MemoryMarshal.AsBytes(payload.Memory.Span));
        return new CoordinatorMessage.DataBlock(Hash, offset, count, Length) { Payload = payload };
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static byte[] Pack()
    {
        using MemoryStream stream = new();
        TestJob.Source.Pack(stream);
        return stream.ToArray();
    }
}
