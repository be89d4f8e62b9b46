using System.Diagnostics;
using Distributed.EndToEnd.Tests.Harness;

namespace Distributed.EndToEnd.Tests;

/// <summary>The program of the README that uses the framework as a library.</summary>
public sealed class TenLinesTests
{
    [Fact]
    public async Task Program_Runs_AndDenoises()
    {
        using TestFolder folder = new();
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "Distributed.TenLines.dll")])
        {
            WorkingDirectory = folder.Folder,
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(3));
        string[] lines = (await process.StandardOutput.ReadToEndAsync(patience.Token)).Split('\n');
        await process.WaitForExitAsync(patience.Token);
        Assert.Equal(0, process.ExitCode);
        string[] words = lines[0].Split(' ');
        double psnr = double.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture);
        double noisy = double.Parse(words[^2], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(noisy, 20, 20.4);
        Assert.True(psnr > noisy + 2, lines[0]);
        Assert.Equal("Tensor [3, 100, 75]", lines[1]);
        Assert.True(File.Exists(folder["denoiser.safetensors"]));
    }

    [Fact]
    public void Readme_ShowsTheProgram()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Distributed.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        string program = File.ReadAllText(Path.Combine(root, "tests", "TenLines", "Program.cs"));
        Assert.Contains(program, File.ReadAllText(Path.Combine(root, "README.md")), StringComparison.Ordinal);
    }
}
