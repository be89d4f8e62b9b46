using System.Security.Cryptography;
using System.Text;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Packed;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests.Data;

/// <summary>What is read through a cache is what was packed, whatever is in its file and whoever uses it.</summary>
public sealed class BlockCacheTests : IDisposable
{
    private const int Block = PackedIndex.BlockBytes;
    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _content = new byte[(5 * Block) + 77];
    private readonly PackedIndex _index;
    private int _wakes;

    public BlockCacheTests()
    {
        new Random(1).NextBytes(_content);
        byte[] head = Encoding.ASCII.GetBytes("uint8 1 1 1310779\n");
        Assert.Equal(_content.Length, head.Length + 1_310_779);
        head.CopyTo(_content, 0);
        byte[] bytes = [.. head, (byte)'\n', .. _content.Chunk(Block).SelectMany(SHA256.HashData)];
        _index = PackedIndex.Parse(bytes, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_FetchesTheBlocksItNeeds_AndNoOther()
    {
        using BlockCache cache = Open();
        byte[] found = Read(cache, Block - 3, 10, out List<long> asked);
        Assert.Equal(_content[(Block - 3)..(Block + 7)], found);
        Assert.Equal([0, Block], asked);
        Assert.Equal(found, Read(cache, Block - 3, 10, out asked));
        Assert.Empty(asked);
        Assert.Equal(_content[^5..], Read(cache, _content.Length - 5, 5, out asked));
        Assert.Equal([5 * Block], asked);
        Assert.False(cache.IsComplete);
        Assert.Equal(_content, Read(cache, 0, _content.Length, out asked));
        Assert.Equal([2 * Block, 3 * Block, 4 * Block], asked);
        Assert.True(cache.IsComplete);
        Assert.Throws<EndOfStreamException>(() => cache.Bytes.Read(_content.Length - 4, new byte[5]));
    }

    [Fact]
    public void File_HasWhatWasFetched_ExceptWhatIsDamaged()
    {
        using (BlockCache first = Open())
        {
            Read(first, 0, _content.Length, out _);
        }

        using (FileStream file = File.OpenWrite(_folder.File("cache")))
        {
            file.Position = (2 * Block) + 1234;
            file.WriteByte((byte)~_content[file.Position]);
        }

        using BlockCache cache = Open();
        Assert.Equal(_content, Read(cache, 0, _content.Length, out List<long> asked));
        Assert.Equal([2 * Block], asked);
        Assert.Equal(_content, File.ReadAllBytes(_folder.File("cache")));
    }

    /// <summary>A file of another length, as a copy that broke off: what is right in it is used.</summary>
    [Fact]
    public void File_TooShort_IsFilled()
    {
        File.WriteAllBytes(_folder.File("cache"), _content[..((2 * Block) + 5)]);
        using BlockCache cache = Open();
        Assert.Equal(_content, Read(cache, 0, _content.Length, out List<long> asked));
        Assert.Equal([2 * Block, 3 * Block, 4 * Block, 5 * Block], asked);
    }

    [Fact]
    public void Put_OfAnotherBlock_IsRefused()
    {
        using BlockCache cache = Open();
        Assert.Throws<DataException>(() => cache.Put(Block, _content.AsSpan(0, Block)));
        Assert.Throws<DataException>(() => cache.Put(Block, _content.AsSpan(Block, Block - 1)));
        Assert.Throws<DataException>(() => cache.Put(1, _content.AsSpan(1, Block)));
        Assert.Equal(_content[Block..(2 * Block)], Read(cache, Block, Block, out List<long> asked));
        Assert.Equal([Block], asked);
    }

    /// <summary>Two processes with one file: each block is fetched by who needs it first.</summary>
    [Fact]
    public void TwoCaches_OfOneFile_HelpEachOther()
    {
        using BlockCache first = Open();
        using BlockCache second = Open();
        Read(first, 0, 2 * Block, out _);
        Assert.Equal(_content[..(3 * Block)], Read(second, 0, 3 * Block, out List<long> asked));
        Assert.Equal([2 * Block], asked);
        Assert.Equal(_content[(2 * Block)..(3 * Block)], Read(first, 2 * Block, Block, out asked));
        Assert.Empty(asked);
        first.Put(0, _content.AsSpan(0, Block));
        Assert.Equal(_content[..Block], Read(second, 0, Block, out _));
    }

    [Fact]
    public void LookAhead_WantsWithoutWaiting_AndNeededBlocksComeFirst()
    {
        using BlockCache cache = Open();
        byte[] target = [7];
        BlockCache.LookAhead(() =>
        {
            cache.Bytes.Read(0, target);
            cache.Bytes.Read(Block, target);
            cache.Bytes.Read(2 * Block, target);
            cache.Bytes.Read(0, target);
        });
        Assert.Equal([0], target);
        Assert.Equal((3, 1), (cache.AheadCount, _wakes));
        Thread reader = new(() => cache.Bytes.Read(2 * Block, target));
        reader.Start();
        SpinWait.SpinUntil(() => reader.ThreadState.HasFlag(ThreadState.WaitSleepJoin));
        List<long> asked = [];
        while (cache.TryTakeWanted(out long offset))
        {
            asked.Add(offset);
        }

        Assert.Equal([2 * Block, 0, Block], asked);
        cache.Put(2 * Block, _content.AsSpan(2 * Block, Block));
        reader.Join();
        Assert.Equal(_content[2 * Block], target[0]);
    }

    [Fact]
    public async Task Dispose_EndsWhoWaits()
    {
        using BlockCache cache = Open();
        Task reading = Task.Run(() => cache.Bytes.Read(0, new byte[1]));
        SpinWait.SpinUntil(() => cache.TryTakeWanted(out _));
        cache.Dispose();
        await Assert.ThrowsAsync<OperationCanceledException>(() => reading);
        Assert.Throws<OperationCanceledException>(() => cache.Bytes.Read(0, new byte[1]));
    }

    [Fact]
    public async Task Waits_AreCounted_ForAllAndForEachThread()
    {
        long now = 0;
        using BlockCache cache = new(_folder.File("cache"), _index, () => { }, () => Interlocked.Add(ref now, 5));
        Task<(long, long)> reading = Task.Run(() =>
        {
            BlockCache.TakeWaitedTicks();
            cache.Bytes.Read(Block, new byte[1]);
            return (BlockCache.TakeWaitedTicks(), BlockCache.TakeWaitedTicks());
        });
        long offset = 0;
        SpinWait.SpinUntil(() => cache.TryTakeWanted(out offset));
        cache.Put(offset, _content.AsSpan((int)offset, Block));
        (long, long) ofThread = await reading;
        long waited = cache.WaitedTicks;
        Assert.Contains(waited, (long[])[0, 5]); // None if the block came before the reader looked again.
        Assert.Equal((waited, 0), ofThread);
    }

    private BlockCache Open() => new(_folder.File("cache"), _index, () => Interlocked.Increment(ref _wakes), () => 0);

    /// <summary>Reads with a coordinator that answers at once.</summary>
    private byte[] Read(BlockCache cache, long offset, int count, out List<long> asked)
    {
        byte[] target = new byte[count];
        Thread reader = new(() => cache.Bytes.Read(offset, target));
        reader.Start();
        List<long> taken = [];
        while (reader.IsAlive)
        {
            while (cache.TryTakeWanted(out long wanted))
            {
                taken.Add(wanted);
                int length = _index.SizeOf((int)(wanted / Block));
                cache.Put(wanted, _content.AsSpan((int)wanted, length));
            }

            Thread.Yield();
        }

        reader.Join();
        asked = taken;
        return target;
    }
}
