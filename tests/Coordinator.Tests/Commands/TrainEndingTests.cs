using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Runs;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Commands;

public sealed class TrainEndingTests
{
    [Fact]
    public async Task Train_OverLinks_SaysWhereTheTimeOfAStepWentAndItsBytes() => Assert.Contains(
        "A step took 320 ms: 310 waiting for gradients, 2.0 adding, 1.0 updating; 600 ms of computing over all "
        + "threads; 1.5 MB in, 1.8 MB out a step.",
        await EndingAsync(result => result));

    [Fact]
    public async Task Train_LocalWorkersOnly_SaysNothingOfBytes() => Assert.Contains(
        "A step took 4.5 ms: 4.0 waiting for gradients, 0.3 adding, 0.2 updating; 7.9 ms of computing over all "
        + "threads.",
        await EndingAsync(result => result with
        {
            Summary = result.Summary with { Step = new StepMeans(4.5, 4, 0.3, 0.2, 7.9, 0, 0) },
        }));

    [Fact]
    public async Task Train_NoStep_SaysNothingOfSteps() => Assert.DoesNotContain(
        await EndingAsync(result => result with { Summary = result.Summary with { Step = null } }),
        line => line.StartsWith("A step", StringComparison.Ordinal));

    [Fact]
    public async Task Train_NoisyValidation_SaysThatThePreviewHasNothingClean() => Assert.Contains(
        await EndingAsync(result => result with { PreviewPath = AppContext.BaseDirectory, IsEstimated = true }),
        line => line.Contains("(noisy | denoised | other noisy)", StringComparison.Ordinal));

    [Fact]
    public async Task Train_NoValidation_SaysHowToMeasure()
    {
        string[] lines = await EndingAsync(result => result with
        {
            Summary = result.Summary with { Psnr = null, Accuracy = null, ValidationLoss = null },
        });
        Assert.Contains(lines, line => line.StartsWith("Not validated:", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("evaluate", StringComparison.Ordinal)
            && line.EndsWith(" --data SOURCE", StringComparison.Ordinal));
        Assert.DoesNotContain(
            await EndingAsync(result => result),
            line => line.StartsWith("Not validated:", StringComparison.Ordinal));
    }

    /// <summary>Neighbouring pixels differ, so what is estimated from them is no PSNR of pictures.</summary>
    [Fact]
    public async Task Train_Neighbors_SaysWhatTheEstimateIsWorth()
    {
        string[] lines = await EndingAsync(
            result => result with
            {
                IsEstimated = true,
                InputPsnrEstimated = 19.5,
                Summary = result.Summary with { Psnr = null, PsnrEstimated = 26.25 },
            },
            "--pairs", "neighbors", "--data", "folder");
        Assert.Contains(lines, line => line.StartsWith(
            "PSNR 26.25 dB at half the size, estimated from neighbouring pixels, where the noisy input has 19.50 dB: "
            + "what they differ by counts as noise",
            StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("that is right if", StringComparison.Ordinal));
    }

    private static async Task<string[]> EndingAsync(
        Func<TrainResult, TrainResult> change, params string[] arguments)
    {
        CommandRunner runner = new()
        {
            Train = (options, _, _) => Task.FromResult(change(CommandRunner.Result(options))),
        };
        Assert.Equal(ExitCodes.Done, await runner.RunAsync(["train", .. arguments]));
        return runner.Output.Split('\n');
    }
}
