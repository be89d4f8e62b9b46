using System.IO.Compression;
using System.Text.RegularExpressions;
using Distributed.Deploy.Tests.Harness;
using Xunit.Abstractions;

namespace Distributed.Deploy.Tests;

/// <summary>What others get: a package of the framework, the programs as .NET tools and as single files.</summary>
[Collection(PublishedGroup.Name)]
public sealed class PackageTests(PublishedPrograms published, ITestOutputHelper output) : IDisposable
{
    private const string Small = "--workers 1 --steps 2 --limit 16 --batch 8 --model n2n-initial:channels=8";
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>
    /// Goal: who has a folder of our packages has the programs and the library. Method: pack this build, install the
    /// tools and reference the library from that folder alone, and run all three.
    /// </summary>
    [Fact]
    public async Task Packages_AreInstalledFromAFolder_AndRun()
    {
        foreach (string project in new[] { "Framework", "Coordinator", "Worker" })
        {
            await MustAsync($"dotnet pack {Repository.PathOf(project)} -c {Repository.Configuration} --no-build "
                + $"-o {_folder["feed"]}");
        }

        foreach (string tool in new[] { "Coordinator", "Worker" })
        {
            await MustAsync($"dotnet tool install Distributed.{tool} --tool-path tools --source {_folder["feed"]}");
        }

        // By path, and by name where it is on the PATH: the lines for the next step say what was typed.
        string said = await MustAsync($"tools/coordinator train {Small} --run one");
        Assert.Contains("Next:\n  tools/coordinator denoise --run", said, StringComparison.Ordinal);
        said = await MustAsync($"PATH=$PWD/tools:$PATH; coordinator train {Small} --run two; ! worker --nothing 2>&1");
        Assert.Contains("Next:\n  coordinator denoise --run", said, StringComparison.Ordinal);
        Assert.Contains("See: worker --help", said, StringComparison.Ordinal);
        Assert.Contains("All is well", await MustAsync("tools/coordinator doctor --run one"), StringComparison.Ordinal);
        await UseTheLibraryAsync();
    }

    [Fact]
    public async Task SingleFiles_RunWithoutDotnet()
    {
        string[] files =
            [.. Directory.EnumerateFiles(published.Programs).Select(path => Path.GetFileName(path)).Order()];
        Assert.Equal(["appsettings.json", "coordinator", "worker"], files);
        output.WriteLine(string.Join(", ", files.Select(name =>
            $"{name} {new FileInfo(Path.Combine(published.Programs, name)).Length / 1e6:0.0} MB")));
        string run = $"env -i PATH=/usr/bin:/bin {published.Programs}/coordinator";
        Assert.Contains("All is well", await MustAsync($"{run} doctor"), StringComparison.Ordinal);
        string said = await MustAsync($"{run} train {Small} --run single");
        Assert.Contains($"Next:\n  {published.Programs}/coordinator denoise", said, StringComparison.Ordinal);
        long start = TimeProvider.System.GetTimestamp();
        await MustAsync($"{run} --version; env -i {published.Programs}/worker --version");
        output.WriteLine($"Both versions in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0.00} s");
    }

    private async Task UseTheLibraryAsync()
    {
        string package = Directory.EnumerateFiles(_folder["feed"], "Distributed.Framework.*.nupkg").Single();
        using (ZipArchive archive = ZipFile.OpenRead(package))
        {
            Assert.Contains(archive.Entries, entry => entry.FullName == "lib/net10.0/Distributed.Framework.dll");
            using StreamReader reader = new(archive.GetEntry("Distributed.Framework.nuspec")!.Open());
            Match only = Assert.Single(Regex.Matches(await reader.ReadToEndAsync(), "<dependency id=\"([^\"]+)\""));
            Assert.Equal("ZstdSharp.Port", only.Groups[1].Value);
        }

        // What it depends on comes from where this build has it.
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string dependency = Directory.EnumerateFiles(
            Path.Combine(packages, "zstdsharp.port"), "*.nupkg", SearchOption.AllDirectories).Max()!;
        File.Copy(dependency, _folder[$"feed/{Path.GetFileName(dependency)}"]);
        Directory.CreateDirectory(_folder["use"]);
        File.Copy(Repository.PathOf("tests/TenLines/Program.cs"), _folder["use/Program.cs"]);
        File.WriteAllText(_folder["use/Use.csproj"], """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Distributed.Framework" Version="*" />
              </ItemGroup>
            </Project>
            """);
        await MustAsync($"cd use && dotnet build -c Release --source {_folder["feed"]}");
        Assert.True(File.Exists(_folder["use/bin/Release/net10.0/Distributed.Framework.dll"]));
    }

    /// <summary>Runs lines that have to work; what they say. Packages go to a folder of the test's own.</summary>
    private async Task<string> MustAsync(string lines)
    {
        ProgramResult result = await Shell.BashAsync(_folder.Folder, $"set -e; {lines}", new Dictionary<string, string>
        {
            ["NUGET_PACKAGES"] = _folder["packages"],
            ["DOTNET_CLI_HOME"] = _folder.Folder,
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_NOLOGO"] = "1",
            ["MSBUILDDISABLENODEREUSE"] = "1",
        });
        Assert.True(result.ExitCode == 0, $"{lines}\n{result}");
        return result.Output;
    }
}
