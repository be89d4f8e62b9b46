namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TestFolder : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("end-to-end-").FullName;

    /// <summary>Path of something in it.</summary>
    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>Name and content of every file below a folder, to see whether anything was written.</summary>
    public static Dictionary<string, string> Contents(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) is not ("lock" or "holder"))
            .ToDictionary(path => path, path => Convert.ToHexString(File.ReadAllBytes(path)));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
