using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>Whatever becomes of the lock file, two coordinators never both save.</summary>
public sealed class RunLockTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public static TheoryData<string> Losses =>
        ["deleted", "replaced", "replaced and held", "taken over", "no term", "raised term"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Take_HeldByAnother_IsRefused_AndFreeAfterwards()
    {
        using (RunLock held = RunLock.Take(_folder))
        {
            Assert.Null(RunLock.TryTake(_folder));
            Assert.Throws<ConfigurationException>(() => RunLock.Take(_folder));
            held.Verify();
        }

        using RunLock next = RunLock.Take(_folder);
        next.Verify();
    }

    [Fact]
    public void Verify_FileDeleted_Fails()
    {
        using RunLock held = RunLock.Take(_folder);
        File.Delete(LockPath);
        Assert.Contains(LockPath, Assert.Throws<RunLostException>(held.Verify).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(LockPath));
    }

    /// <summary>By the second open: the file in its place is free.</summary>
    [Fact]
    public void Verify_FileReplaced_Fails()
    {
        using RunLock held = RunLock.Take(_folder);
        File.Delete(LockPath);
        File.WriteAllText(LockPath, "");
        Assert.Throws<RunLostException>(held.Verify);
    }

    /// <summary>Not by the second open, which fails as it should: the file in its place is another's.</summary>
    [Fact]
    public void Verify_FileReplacedAndHeldByAnother_FailsForTheFirstAlone()
    {
        using RunLock first = RunLock.Take(_folder);
        File.Delete(LockPath);
        using RunLock second = RunLock.Take(_folder);
        Assert.Throws<RunLostException>(first.Verify);
        second.Verify();

        File.Delete(LockPath);
        using FileStream bare = new(LockPath, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        Assert.Throws<RunLostException>(second.Verify);
    }

    /// <summary>A file system without locks, or file locking switched off: every open succeeds.</summary>
    [Fact]
    public void Take_NothingHolds_IsRefusedAndLeavesTheFileAlone()
    {
        Assert.Throws<RunLostException>(() => RunLock.TryTake(
            _folder, (path, mode) => new FileStream(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite)));
        Assert.Equal(0, new FileInfo(LockPath).Length);
        RunLock.Take(_folder).Dispose();
    }

    /// <summary>Faults that are not a lock's are no answer: nobody may take them for "held" or for "mine".</summary>
    [Fact]
    public void Verify_CannotTell_Fails()
    {
        bool isBroken = false;
        using RunLock held = RunLock.TryTake(_folder, (path, mode) => isBroken
            ? throw new IOException("input/output error", 5)
            : new FileStream(path, mode, FileAccess.ReadWrite, FileShare.None))!;
        held.Verify();
        isBroken = true;
        Assert.Contains(
            "input/output error", Assert.Throws<RunLostException>(held.Verify).Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Goal: who lost the run renames nothing, whoever took it over saves. Method: one coordinator of a run loses it in
    /// every way between writing a checkpoint and its rename; then both save.
    /// </summary>
    [Theory]
    [MemberData(nameof(Losses))]
    public void Save_RunIsLost_NothingIsRenamed(string loss)
    {
        using RunFolder first = Open();
        CheckpointStore before = new(first.Folder, guard: first.Guard);
        before.Save(Sample(step: 1));
        Assert.True(before.SaveBest(Sample(step: 1), score: 1));
        Dictionary<string, string> files = Files();

        using IDisposable? other = Lose(loss);

        Assert.Throws<RunLostException>(() => before.Save(Sample(step: 2)));
        Assert.Throws<RunLostException>(() => before.SaveBest(Sample(step: 2), score: 2));
        Assert.Throws<RunLostException>(() => AtomicFile.Write(
            first["model.safetensors"], stream => stream.Write("new"u8), guard: first.Guard));
        Assert.Equal(files, Files());
        if (other is RunFolder second)
        {
            CheckpointStore after = new(second.Folder, guard: second.Guard);
            after.Save(Sample(step: 2));
            Assert.True(after.SaveBest(Sample(step: 2), score: 2));
            Assert.Equal(2, after.FindLatest()!.Step);
            Assert.Throws<RunLostException>(() => before.Save(Sample(step: 3)));
        }
    }

    [Fact]
    public void Open_LockIsLostMeanwhile_IsRefused()
    {
        using RunLock taken = RunLock.Take(_folder);
        File.Delete(LockPath);
        Assert.Throws<RunLostException>(() => Open(taken));
        Assert.False(ConfigurationFile.IsIn(_folder));
    }

    /// <summary>Two that opened at once read the same term, and raised it to the same.</summary>
    [Fact]
    public void Save_SameTermTwice_OnlyOneSaves()
    {
        using RunFolder first = Open();
        File.Delete(LockPath);
        File.WriteAllText(first["term"], "0");
        using RunFolder second = Open();
        Assert.Equal(first.Term, second.Term);

        Assert.Throws<RunLostException>(() => new CheckpointStore(_folder, guard: first.Guard).Save(Sample(step: 1)));
        new CheckpointStore(_folder, guard: second.Guard).Save(Sample(step: 1));
    }

    private string LockPath => Path.Combine(_folder, "lock");

    private IDisposable? Lose(string loss)
    {
        if (loss == "no term")
        {
            File.Delete(Path.Combine(_folder, "term"));
            return null;
        }

        if (loss == "raised term")
        {
            RunTerm.Raise(_folder);
            return null;
        }

        File.Delete(LockPath);
        if (loss == "replaced")
        {
            File.WriteAllText(LockPath, "");
        }

        return loss switch
        {
            "replaced and held" => RunLock.Take(_folder),
            "taken over" => Open(),
            _ => null,
        };
    }

    private RunFolder Open(RunLock? taken = null) => RunFolder.Open(
        new RunFolderOptions(
            new RunConfiguration(), Saved: null, _folder, Resumption.Auto, new HashSet<string>(), [])
        {
            Lock = taken,
        },
        TimeProvider.System);

    private Dictionary<string, string> Files() => Directory
        .EnumerateFiles(_folder, "*.safetensors*", SearchOption.AllDirectories)
        .ToDictionary(path => path, path => Convert.ToHexString(File.ReadAllBytes(path)));

    private static Checkpoint Sample(long step) => new(
        step, "{}", [new("0.weight", [1], new float[] { step })], [], [], new Dictionary<string, string>());
}
