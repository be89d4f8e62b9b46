using System.Runtime.Versioning;
using Distributed.Framework.Checkpoints;

namespace Distributed.Framework.Tests.Checkpoints;

/// <summary>A file is the old one or the new one, never between.</summary>
public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WriteAllText_Again_Replaces()
    {
        AtomicFile.WriteAllText(_folder["a"], "one, longer");
        AtomicFile.WriteAllText(_folder["a"], "two");

        Assert.Equal("two", File.ReadAllText(_folder["a"]));
        Assert.Single(Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void Write_FaultInTheMiddle_ShardsTheOldFile()
    {
        AtomicFile.WriteAllText(_folder["a"], "old");

        Assert.Throws<InvalidDataException>(() => AtomicFile.Write(_folder["a"], stream =>
        {
            stream.Write("new"u8);
            throw new InvalidDataException();
        }));

        Assert.Equal("old", File.ReadAllText(_folder["a"]));
        Assert.Single(Directory.EnumerateFiles(_folder.Path));
    }

    /// <summary>Whoever lost the right to write while it wrote leaves the file, and nothing else, as it was.</summary>
    [Fact]
    public void Write_GuardRefuses_LeavesTheOldFileAndThoseOfOthers()
    {
        AtomicFile.WriteAllText(_folder["a"], "old");
        File.WriteAllText(_folder["a.other.tmp"], "another writer's");
        bool isLost = false;
        WriteGuard guard = new(() => throw (isLost ? new InvalidDataException("lost") : new IOException()), "mine");

        Assert.Throws<InvalidDataException>(() => AtomicFile.Write(
            _folder["a"],
            stream => stream.Write("new"u8),
            temporary => isLost = File.Exists(_folder["a.mine.tmp"]) && temporary == _folder["a.mine.tmp"],
            guard: guard));

        Assert.Equal("old", File.ReadAllText(_folder["a"]));
        Assert.Equal(
            [_folder["a"], _folder["a.other.tmp"]], Directory.EnumerateFiles(_folder.Path).Order());
    }

    /// <summary>A writer whose temporary file was removed under it hears why.</summary>
    [Fact]
    public void Write_FaultAndGuardRefuses_TheGuardSaysWhy() => Assert.Throws<InvalidDataException>(
        () => AtomicFile.Write(
            _folder["a"],
            _ => throw new IOException("no such file"),
            guard: new WriteGuard(() => throw new InvalidDataException("lost"), "mine")));

    [FactWith(Need.Unix)]
    [UnsupportedOSPlatform("windows")]
    public void WriteAllText_WithMode_IsPrivateFromTheStart()
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.WriteAllText(_folder["a.tmp"], "a leftover that anybody may read");
        AtomicFile.WriteAllText(_folder["a"], "secret", Private);

        Assert.Equal(Private, File.GetUnixFileMode(_folder["a"]));
    }

    [FactWith(Need.Unix)]
    public void Flush_MissingFolder_NamesIt()
    {
        Assert.Contains("/no/such", Assert.Throws<IOException>(() => FolderSync.Flush("/no/such")).Message);
    }
}
