using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>Lines that can be typed as they are printed.</summary>
public sealed class ShellLineTests
{
    [Theory]
    [InlineData("/x/bin/Release/net10.0/coordinator", "dotnet run -c Release --project Coordinator --")]
    [InlineData("C:\\y\\bin\\Debug\\net10.0\\coordinator.exe", "dotnet run -c Release --project Coordinator --")]
    [InlineData("/usr/bin/coordinator", "coordinator")]
    [InlineData(null, "coordinator")]
    public void ProgramName_IsWhatTheUserTypes(string? path, string expected) =>
        Assert.Equal(expected, ShellLine.Program("Coordinator", path));

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("two words", "\"two words\"")]
    public void Quote_OnlyWhatNeedsIt(string argument, string expected) =>
        Assert.Equal(expected, ShellLine.Quote(argument));
}
