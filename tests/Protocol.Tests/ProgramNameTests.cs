namespace Distributed.Protocol.Tests;

/// <summary>Lines for the next step call a program as the user did.</summary>
public sealed class ProgramNameTests
{
    [Theory]
    [InlineData("coordinator", "coordinator", "worker")]
    [InlineData("./coordinator", "./coordinator", "./worker")]
    [InlineData("bin/coordinator", "bin/coordinator", "bin/worker")]
    [InlineData("alone/coordinator", "alone/coordinator", "worker")]
    [InlineData("/usr/local/bin/coordinator", "coordinator", "worker")]
    [InlineData("/opt/it/coordinator", "/opt/it/coordinator", "/opt/it/worker")]
    [InlineData("/opt/my programs/coordinator", "\"/opt/my programs/coordinator\"", "\"/opt/my programs/worker\"")]
    [InlineData(
        "/src/Coordinator/bin/Release/net10.0/coordinator",
        "dotnet run -c Release --project Coordinator --",
        "dotnet run -c Release --project Worker --")]
    [InlineData(
        "dotnet Coordinator/bin/Release/net10.0/coordinator.dll",
        "dotnet Coordinator/bin/Release/net10.0/coordinator.dll",
        "dotnet Coordinator/bin/Release/net10.0/worker.dll")]
    [InlineData("/usr/bin/testhost", null, null)]
    [InlineData("dotnet testhost.dll", null, null)]
    [InlineData("", null, null)]
    public void Program_IsCalledAsItWas(string typed, string? coordinator, string? worker)
    {
        string[] words = typed.StartsWith("dotnet ", StringComparison.Ordinal) ? typed.Split(' ') : [typed, "train"];
        Assert.Equal(coordinator, Find("coordinator"));
        Assert.Equal(worker, Find("worker"));

        string? Find(string program) => ProgramName.Find(
            program,
            words,
            path => !path.StartsWith("alone/", StringComparison.Ordinal),
            "/src",
            "/usr/bin:/usr/local/bin");
    }

    /// <summary>A build folder far from its project cannot be called by dotnet run.</summary>
    [Fact]
    public void Build_WithoutItsProject_IsCalledByItsPath() => Assert.Equal(
        "/src/Coordinator/bin/Release/net10.0/coordinator",
        ProgramName.Find(
            "coordinator", ["/src/Coordinator/bin/Release/net10.0/coordinator"], _ => false, "/home", "/usr/bin"));
}
