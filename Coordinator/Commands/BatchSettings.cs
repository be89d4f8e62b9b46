using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands;

/// <summary>The options of <c>train</c> that say how much is done, in what portions, with which chance.</summary>
internal sealed class BatchSettings
{
    private const int CountMax = 1 << 20;

    private readonly Option<int?> _epochs = StrictOptions.WholeNumber(
        "--epochs", "Passes over the data; excludes --steps", 1);

    private readonly Option<int?> _steps = StrictOptions.WholeNumber(
        "--steps",
        $"Steps, without --epochs [{Recipe.DefaultSteps}, or a pass over files; {Recipe.OtherSteps} of other models]",
        1);

    /// <summary>Decides the number of steps when the run begins.</summary>
    public Option<TimeSpan?> Time { get; } = StrictOptions.Time(
        "--time", "Train for this long: some steps are timed and thrown away, which fixes their number [--steps]");

    /// <summary>All of them, in the order of the help.</summary>
    public IReadOnlyList<Setting> All =>
    [
        Setting.Of(
            StrictOptions.WholeNumber(
                "--batch",
                $"Samples of a step [{Recipe.DefaultBatch}; 50 of other models than the default]",
                1,
                CountMax),
            (configuration, count) => configuration with { Batch = count }),
        Setting.Of(
            StrictOptions.WholeNumber(
                "--shard", "Samples of a shard, the unit of work; part of the result [the model's own]", 1, CountMax),
            (configuration, count) => configuration with { Shard = count }),
        Setting.Of(_epochs, (configuration, count) => configuration with { Epochs = count, Steps = null }),
        Setting.Of(_steps, (configuration, count) => configuration with { Steps = count, Epochs = null }),
        Setting.Of(
            StrictOptions.Seed("--seed", "Decides everything random [0]"),
            (configuration, seed) => configuration with { Seed = seed }),
    ];

    /// <summary>Finds options that exclude each other.</summary>
    public void Check(CommandResult result)
    {
        if (Setting.IsGiven(result, _epochs) && Setting.IsGiven(result, _steps))
        {
            result.AddError($"{_epochs.Name} and {_steps.Name} exclude each other; give one of them.");
        }

        if (!Setting.IsGiven(result, Time))
        {
            return;
        }

        if (Setting.IsGiven(result, _epochs) || Setting.IsGiven(result, _steps))
        {
            result.AddError("--time excludes --steps and --epochs; give one of them.");
        }
        else if (result.GetResult(Time)?.Tokens is [{ Value: var text }] && TimeText.Parse(text) == TimeSpan.Zero)
        {
            result.AddError($"--time {text}: not allowed; allowed is a time such as 90s, 10m or 1h.");
        }
    }
}
