namespace Distributed.Deploy.Tests.Harness;

/// <summary>A block of lines that the tutorial has people type.</summary>
/// <param name="Terminal">Where: the first machine, the second, a second terminal on the first.</param>
/// <param name="GoesOn">Whether what comes next is typed before it ends.</param>
/// <param name="Text">The lines.</param>
internal sealed record TutorialBlock(string Terminal, bool GoesOn, string Text);

/// <summary>What <c>docs/tutorial.md</c> has people type, in its order.</summary>
internal static class Tutorial
{
    /// <summary>Three backticks, sh, the terminal, and an ampersand if it goes on.</summary>
    public static IReadOnlyList<TutorialBlock> Blocks { get; } = [.. Read("docs/tutorial.md")];

    private static IEnumerable<TutorialBlock> Read(string name)
    {
        string[]? words = null;
        List<string> lines = [];
        foreach (string line in Repository.Lines(name))
        {
            if (!line.StartsWith("```", StringComparison.Ordinal))
            {
                lines.Add(line);
                continue;
            }

            if (words is null)
            {
                words = line[3..].Split(' ');
            }
            else
            {
                Assert.True(words is ["sh", _] or ["sh", _, "&"], $"{name}: which machine is a block typed on?");
                yield return new TutorialBlock(words[1], words.Length == 3, string.Join('\n', lines));
                words = null;
            }

            lines.Clear();
        }
    }
}
