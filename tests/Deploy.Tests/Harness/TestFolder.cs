namespace Distributed.Deploy.Tests.Harness;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("distributed-deploy-").FullName;

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>A file that can be run.</summary>
    public void WriteScript(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text.ReplaceLineEndings("\n"));
        File.SetUnixFileMode(
            this[name],
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
