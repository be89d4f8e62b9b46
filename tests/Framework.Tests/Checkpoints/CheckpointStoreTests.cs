using System.Security.Cryptography;
using System.Text;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests.Checkpoints;

/// <summary>Checkpoints survive damage, a full disk and a stop at any moment.</summary>
public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void SaveThenFindLatest_AnyState_GivesItBack()
    {
        CheckpointStore store = new(_folder.Path);
        string path = store.Save(Sample(step: 1200));

        Checkpoint found = store.FindLatest()!;

        Assert.Equal(_folder["checkpoints", "step-00001200.safetensors"], path);
        Assert.Equal(1200, found.Step);
        Assert.Equal("""{"lr":0.001}""", found.Configuration);
        Assert.Equal(["0.weight", "2.0.bias"], found.Parameters.Select(tensor => tensor.Name));
        Assert.Equal(["1.running_mean", "1.num_batches_tracked"], found.Buffers.Select(tensor => tensor.Name));
        Assert.Equal(["exp_avg.0.weight"], found.OptimizerState.Select(tensor => tensor.Name));
        Assert.Equal([1200f, 2f, 3f, 4f], found.Parameters[0].Values.ToArray());
        Assert.Equal([5L], found.Buffers[1].Integers!.Value.ToArray());
        Assert.Equal("0.9", found.Extra["beta1Power"]);
        Assert.Equal(Sample(step: 1200).WeightsSha256(), found.WeightsSha256());
    }

    /// <summary>The tensors are hashed as they are read; the header, small beside them, is read twice.</summary>
    [Fact]
    public void Read_ReadsTheFileOnce()
    {
        using CountingStream stream = new(File.ReadAllBytes(new CheckpointStore(_folder.Path).Save(Sample(step: 7))));
        Checkpoint checkpoint = CheckpointFile.Read(stream, "here");
        int data = sizeof(float) * (checkpoint.Parameters.Concat(checkpoint.OptimizerState)
            .Sum(tensor => tensor.Values.Length) + checkpoint.Buffers[0].Values.Length) + sizeof(long);
        Assert.Equal((2 * (stream.Length - data)) + data, stream.Count);
    }

    /// <summary>The definition, spelled out: the whole file, with the digits themselves as the digit 0.</summary>
    [Fact]
    public void Save_Hash_IsThatOfTheFileWithItsDigitsAsZeros()
    {
        byte[] bytes = File.ReadAllBytes(new CheckpointStore(_folder.Path).Save(Sample(step: 7)));
        string claimed = SafetensorsFile.Read(new MemoryStream(bytes), "here").Metadata["sha256"];

        int start = Encoding.Latin1.GetString(bytes).IndexOf(claimed, StringComparison.Ordinal);
        bytes.AsSpan(start, 64).Fill((byte)'0');

        Assert.Equal(claimed, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    [Fact]
    public void WeightsSha256_FloatsOnly_ParametersThenBuffers()
    {
        byte[] bytes = [.. new float[] { 9, 2, 3, 4, -1, 0.5f }.SelectMany(BitConverter.GetBytes)];

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), Sample(step: 9).WeightsSha256());
    }

    [Fact]
    public void FindLatest_EmptyFolder_GivesNull() => Assert.Null(new CheckpointStore(_folder.Path).FindLatest());

    [Fact]
    public void Save_MoreThanKept_KeepsTheNewest()
    {
        CheckpointStore store = new(_folder.Path, keep: 2);
        foreach (int step in (int[])[5, 90, 100_000_000, 100_000_001])
        {
            store.Save(Sample(step));
        }

        Assert.Equal(["step-100000000.safetensors", "step-100000001.safetensors"], Names());
        Assert.Equal(100_000_001, store.FindLatest()!.Step);
    }

    [Fact]
    public void FindLatest_EveryBitFlipOfTheNewest_GivesThePreviousAndReports()
    {
        CheckpointStore store = new(_folder.Path);
        store.Save(Sample(step: 1));
        string newest = store.Save(Sample(step: 2));
        byte[] whole = File.ReadAllBytes(newest);
        for (int bit = 0; bit < whole.Length * 8; bit += 5)
        {
            byte[] damaged = [.. whole];
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(newest, damaged);
            List<DataException> reported = [];

            Assert.Equal(1, store.FindLatest(reported.Add)!.Step);

            Assert.Contains(newest, Assert.Single(reported).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void FindLatest_EveryTruncationOfTheOnlyOne_IsNoValidCheckpoint()
    {
        CheckpointStore store = new(_folder.Path);
        string path = store.Save(Sample(step: 1));
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(path, whole[..length]);

            Assert.Contains(store.Folder, Assert.Throws<CheckpointException>(() => store.FindLatest()).Message);
        }
    }

    [Fact]
    public void FindLatest_FileUnderAnotherStepsName_IsPassedOver()
    {
        CheckpointStore store = new(_folder.Path);
        File.Copy(store.Save(Sample(step: 1)), _folder["checkpoints", "step-00000009.safetensors"]);
        File.WriteAllText(_folder["checkpoints", "step-new.safetensors"], "a stranger, left alone");

        Assert.Equal(1, store.FindLatest()!.Step);
    }

    /// <summary>A damaged file with a higher step must not push out the only valid one.</summary>
    [Fact]
    public void Save_AfterADamagedNewerOne_KeepsWhatIsValid()
    {
        CheckpointStore store = new(_folder.Path, keep: 1);
        store.Save(Sample(step: 10));
        File.WriteAllText(_folder["checkpoints", "step-00000020.safetensors"], "damaged");
        Assert.Equal(10, store.FindLatest()!.Step);

        store.Save(Sample(step: 15));

        Assert.Equal(["step-00000015.safetensors"], Names());
    }

    /// <summary>The device /dev/full accepts nothing: every write to it fails as on a full disk.</summary>
    [FactWith(Need.Linux)]
    public void Save_DiskFull_ShardsTheOldOnesAndNoTemporaryFile()
    {
        new CheckpointStore(_folder.Path).Save(Sample(step: 1));
        CheckpointStore full = new(_folder.Path, keep: 1, temporary =>
        {
            File.WriteAllText(temporary, "begun");
            return new FileStream("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        });

        Assert.True(AtomicFile.IsDiskFull(Assert.Throws<IOException>(() => full.Save(Sample(step: 2)))));
        Assert.True(AtomicFile.IsDiskFull(Assert.Throws<IOException>(() => full.SaveBest(Sample(step: 2), 1))));

        Assert.Equal(["step-00000001.safetensors"], Names());
        Assert.Equal(1, full.FindLatest()!.Step);
        Assert.False(File.Exists(full.BestPath));
    }

    [Fact]
    public void Save_DiskThatLies_IsNoticedAndTheOldOneStays()
    {
        new CheckpointStore(_folder.Path).Save(Sample(step: 1));
        CheckpointStore lying = new(_folder.Path, keep: 1, temporary =>
        {
            File.WriteAllText(temporary, "not what was written");
            return new MemoryStream();
        });

        Assert.Contains("read back", Assert.Throws<IOException>(() => lying.Save(Sample(step: 2))).Message);

        Assert.Equal(["step-00000001.safetensors"], Names());
    }

    [Fact]
    public void Save_GuardRefuses_NothingIsRenamedOrRemoved()
    {
        new CheckpointStore(_folder.Path).Save(Sample(step: 1));
        int asked = 0;
        WriteGuard guard = new(() => throw new InvalidDataException($"lost {++asked}"), "mine");
        CheckpointStore deposed = new(_folder.Path, keep: 1, guard);

        Assert.Throws<InvalidDataException>(() => deposed.Save(Sample(step: 2)));
        Assert.Throws<InvalidDataException>(() => deposed.SaveBest(Sample(step: 2), 1));

        Assert.True(asked >= 2);
        Assert.Equal(["step-00000001.safetensors"], Names());
        Assert.False(File.Exists(deposed.BestPath));
    }

    /// <summary>
    /// Every state that a stop can leave: nothing, part, all of a temporary file; the old one not yet gone.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(int.MaxValue)]
    public void Open_AfterAStopBeforeTheRename_RemovesTheTemporaryFile(int bytesWritten)
    {
        CheckpointStore store = new(_folder.Path, keep: 1);
        byte[] whole = File.ReadAllBytes(store.Save(Sample(step: 1)));
        string temporary = _folder["checkpoints", "step-00000002.safetensors.tmp"];
        File.WriteAllBytes(temporary, whole[..Math.Min(whole.Length, bytesWritten)]);
        File.WriteAllBytes(store.BestPath + ".tmp", whole);
        File.WriteAllBytes(store.BestPath + ".term-7.tmp", whole);

        CheckpointStore next = new(_folder.Path, keep: 1);

        Assert.Equal(1, next.FindLatest()!.Step);
        Assert.Equal(["step-00000001.safetensors"], Names());
        Assert.Empty(Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void SaveBest_OnlyABetterScore_Replaces()
    {
        CheckpointStore store = new(_folder.Path);
        Assert.Null(store.FindBestScore());
        Assert.False(store.SaveBest(Sample(step: 1), double.NaN));
        Assert.True(store.SaveBest(Sample(step: 2), 24.1));
        Assert.False(store.SaveBest(Sample(step: 3), 24.1));
        Assert.True(new CheckpointStore(_folder.Path).SaveBest(Sample(step: 4), 24.2));

        Assert.Equal(4, CheckpointFile.Read(store.BestPath).Step);
        File.WriteAllText(store.BestPath, "damaged");
        Assert.True(store.SaveBest(Sample(step: 5), -3));
        Assert.Null(store.FindLatest());
    }

    internal static Checkpoint Sample(long step) => new(
        step,
        """{"lr":0.001}""",
        [new("0.weight", [2, 2], new float[] { step, 2, 3, 4 }), new("2.0.bias", [1], new float[] { -1 })],
        [
            new("1.running_mean", [1], new float[] { 0.5f }),
            NamedTensor.OfIntegers("1.num_batches_tracked", [], new long[] { 5 }),
        ],
        [new("exp_avg.0.weight", [2, 2], new float[] { 0, 0, 0, 1e-30f })],
        new Dictionary<string, string> { ["beta1Power"] = "0.9", ["sha256"] = new string('0', 64) });

    private IEnumerable<string?> Names() =>
        Directory.EnumerateFiles(_folder["checkpoints"]).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    /// <summary>Counts the bytes that are read.</summary>
    private sealed class CountingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public long Count { get; private set; }

        /// <summary>That of spans calls it.</summary>
        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = base.Read(buffer, offset, count);
            Count += read;
            return read;
        }
    }
}
