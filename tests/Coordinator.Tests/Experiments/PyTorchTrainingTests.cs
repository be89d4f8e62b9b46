using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Reports;
using Distributed.Coordinator.Tests.Commands;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Experiments;

/// <summary>PyTorch's row is the same training: its weights, batches and noise come from here.</summary>
public sealed class PyTorchTrainingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-torch-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// Goal: 60 steps of the course's network end where they end here. Method: a rate that changes the PSNR by
    /// decibels, so that other weights, batches or noise would show; roundings had grown to 0.0013 dB after 60 steps.
    /// </summary>
    [FactWith(Need.PyTorch)]
    public async Task Run_EndsWhereOursEnds()
    {
        string run = Path.Combine(_folder, "run");
        string[] arguments =
        [
            "--noise", "resample:2", "--limit", "320", "--model", "n2n-course:channels=8", "--init-scheme",
            "kaiming-normal", "--optimizer", "sgd", "--lr", "2", "--batch", "32", "--epochs", "6",
        ];
        using CommandRunner runner = new() { Train = TrainSession.RunAsync };
        Assert.Equal(
            ExitCodes.Done, await runner.RunAsync(["train", .. arguments, "--run", run, "--workers", "1", "--json"]));
        double ours = (double)System.Text.Json.Nodes.JsonNode.Parse(runner.Output)!["psnr"]!;
        TrialResult trial = new()
        {
            Trial = new Trial("a", arguments, "a"),
            Status = TrialStatus.Done,
            Run = run,
            Steps = 60,
            Psnr = ours,
        };

        (string version, TrialResult theirs) = PyTorchTraining.Run(trial, CancellationToken.None)!.Value;
        Assert.NotEmpty(version);
        Assert.Equal(ours, theirs.Psnr!.Value, 0.01);
        TrialResult shorter = PyTorchTraining.Run(trial with { Steps = 30 }, CancellationToken.None)!.Value.Result;
        Assert.True(Math.Abs(shorter.Psnr!.Value - ours) > 0.05, $"{shorter.Psnr} after 30 steps, {ours} after 60");
    }

    [FactWith(Need.PyTorch)]
    public void Script_ThatFails_OrIsEnded_GivesNothing()
    {
        Assert.Null(PyTorch.Run("import sys; sys.exit(3)", [], null, CancellationToken.None));
        using CancellationTokenSource stop = new();
        Assert.Null(PyTorch.Run("import time; time.sleep(600)", [], _ => stop.Cancel(), stop.Token));
        Assert.Equal("x", PyTorch.Run("import sys; print(sys.argv[1], end='')", ["x"], null, CancellationToken.None));
    }
}
