using System.CommandLine;
using Distributed.Coordinator.Commands;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>Help tells everything that is accepted.</summary>
public sealed class HelpTests : IDisposable
{
    private static readonly string[] s_names =
    [
        "denoise", "doctor", "evaluate", "export", "reproduce", "secrets", "standby", "status", "stop", "sweep",
        "train",
    ];

    private readonly CommandRunner _runner = new();

    public static TheoryData<string> Commands => [.. s_names];

    public void Dispose() => _runner.Dispose();

    [Fact]
    public async Task Root_ListsTheCommands()
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync("--help"));
        RootCommand root = CommandLine.Create(_runner.Context(), _runner.Signals, []);
        Assert.Equal(s_names, root.Subcommands.Select(command => command.Name).Order());
        Assert.All(s_names, name => Assert.Contains($"  {name} ", _runner.Output, StringComparison.Ordinal));
        Assert.Contains("Exit codes", _runner.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Root_NamesEveryExitCode()
    {
        await _runner.RunAsync("--help");
        string text = _runner.Output[_runner.Output.IndexOf("Exit codes", StringComparison.Ordinal)..];
        Assert.All(
            typeof(ExitCodes).GetFields().Select(field => field.GetRawConstantValue()!.ToString()!),
            code => Assert.Matches($@"\b{code} \w", text));
    }

    /// <summary>What PictureDenoiser does: tiles, and 16 bits for anything wider than 8.</summary>
    [Fact]
    public async Task Denoise_SaysTilesAndBits()
    {
        await _runner.RunAsync("denoise", "--help");
        Assert.DoesNotContain("whole", _runner.Output, StringComparison.Ordinal);
        Assert.Contains("in tiles", _runner.Output, StringComparison.Ordinal);
        Assert.Contains("8 bits, or to 16", _runner.Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Command_HasALineForEveryOption_AndExamples(string name)
    {
        Assert.Equal(ExitCodes.Done, await _runner.RunAsync(name, "--help"));

        RootCommand root = CommandLine.Create(_runner.Context(), _runner.Signals, []);
        Command command = root.Subcommands.Single(command => command.Name == name);
        string[] lines = _runner.Output.Split('\n');
        Assert.All(command.Options.Where(option => !option.Hidden), option => Assert.Single(
            lines, line => line.StartsWith($"  {option.Name} ", StringComparison.Ordinal)));
        Assert.All(
            command.Options.Where(option => !option.Hidden), option => Assert.NotEmpty(option.Description!));
        Assert.Contains($"  coordinator {name}", _runner.Output, StringComparison.Ordinal);
        Assert.Null(_runner.Options);
    }
}
