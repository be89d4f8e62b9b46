using System.Runtime.InteropServices;
using Distributed.Framework.Data.Packed;
using Distributed.Protocol.Messages;

namespace Distributed.Worker.Tests.Actors;

/// <summary>The pictures of <see cref="TestJob"/> as a coordinator sends them, and a cache to put them in.</summary>
internal sealed class PackedData : IDisposable
{
    public const int BlockBytes = PackedIndex.BlockBytes;
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-cache-").FullName;

    public static string Hash => TestJob.Configuration.DataHash;

    public static PackedIndex Index => TestJob.Source.Packed!.Index;

    /// <summary>What is asked for first.</summary>
    public static WorkerMessage.WantData WantIndex => new(Index.Hash, 0);

    /// <summary>Where all blocks begin.</summary>
    public static long[] Offsets => [.. Enumerable.Range(0, Index.BlockCount).Select(i => (long)i * BlockBytes)];

    public string Cache => Path.Combine(_folder, "cache");

    /// <summary>Names of the files in the cache.</summary>
    public string[] Files => Directory.Exists(Cache)
        ? [.. Directory.EnumerateFiles(Cache).Select(file => Path.GetFileName(file))]
        : [];

    /// <summary>Asks for a block.</summary>
    public static WorkerMessage.WantData Want(long offset) => new(Hash, offset);

    /// <summary>What a coordinator answers.</summary>
    public static CoordinatorMessage.DataBlock Answer(WorkerMessage.WantData want)
    {
        bool isIndex = want.Hash == Index.Hash;
        Assert.True(isIndex || want.Hash == Hash);
        long length = isIndex ? Index.Bytes.Length : TestJob.Source.Packed!.Length;
        int count = (int)Math.Min(BlockBytes, length - want.Offset);
        ActorTest.Payload payload = new((count + 3) / 4);
        Span<byte> bytes = MemoryMarshal.AsBytes(payload.Memory.Span)[..count];
        if (isIndex)
        {
            Index.Bytes.Span.Slice((int)want.Offset, count).CopyTo(bytes);
        }
        else
        {
            TestJob.Source.Packed!.Read(want.Offset, bytes);
        }

        return new CoordinatorMessage.DataBlock(want.Hash, want.Offset, count, length) { Payload = payload };
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
