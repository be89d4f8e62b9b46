using System.Runtime.CompilerServices;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>The lines of docs/data.md that say what to type are lines that the program takes.</summary>
public sealed class DataPageTests
{
    [Fact]
    public async Task TrainLines_AreTaken()
    {
        string[] lines =
        [
            .. File.ReadLines(PagePath())
                .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
                .SelectMany(line => line.Split('`'))
                .Where(text => text.StartsWith("coordinator train ", StringComparison.Ordinal)),
        ];
        Assert.Equal(8, lines.Length);
        foreach (string line in lines)
        {
            using CommandRunner runner = new();
            int code = await runner.RunAsync(line.Split(' ')[1..]);
            Assert.True(code == ExitCodes.Done, $"{line}: {runner.Error}");
            Assert.NotNull(runner.Options);
        }
    }

    private static string PagePath([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", "data.md");
}
