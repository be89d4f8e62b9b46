namespace Distributed.Framework.Tests.Data;

/// <summary>Files that lie beside the tests.</summary>
internal static class TestFiles
{
    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Data", "Files", name);
}
