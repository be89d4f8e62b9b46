using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Commands;
using Distributed.Coordinator.Runs;
using Distributed.Coordinator.Tests.Commands;
using Distributed.Framework.Data;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Training;
using Distributed.Protocol;

namespace Distributed.Coordinator.Tests.Runs;

/// <summary>
/// No setting is forgotten: each property of the configuration is changed in turn, and must come through wherever
/// configurations go. A new property fails here until it has an option below, or is named as derived.
/// </summary>
public sealed class RunConfigurationTests : IDisposable
{
    /// <summary>Dotted property, and arguments that give it another value than the default.</summary>
    private static readonly Dictionary<string, string> s_options = new(StringComparer.Ordinal)
    {
        ["Model"] = "--model n2n-final",
        ["Conv"] = "--conv direct",
        ["Data.Source"] = "--data disc",
        ["Data.Validation"] = "--validation v.npy",
        ["Data.Noise"] = "--noise gaussian:5",
        ["Data.NoiseFixed"] = "--noise-fixed",
        ["Data.CleanTargets"] = "--targets clean",
        ["Data.Augment"] = "--no-augment",
        ["Data.Crop"] = "--crop 7",
        ["Data.RangeLow"] = "--range 7:8",
        ["Data.RangeHigh"] = "--range 7:8",
        ["Data.Windows"] = "--windows cover",
        ["Data.Holdout"] = "--holdout 0.25",
        ["Data.Pairs"] = "--pairs next",
        ["Data.Limit"] = "--limit 7",
        ["Data.Seed"] = "--seed 7",
        ["NoisyValidation"] = "--validation-noisy",
        ["Loss"] = "--loss l1",
        ["Reduction"] = "--reduction sum",
        ["NeighborGamma"] = "--neighbor-gamma 0.5",
        ["Optimizer.Name"] = "--optimizer sgd",
        ["Optimizer.LearningRate"] = "--lr 0.5",
        ["Optimizer.Momentum"] = "--optimizer sgd --momentum 0.5",
        ["Optimizer.Nesterov"] = "--optimizer sgd --momentum 0.5 --nesterov",
        ["Optimizer.WeightDecay"] = "--weight-decay 0.5",
        ["Optimizer.Beta1"] = "--betas 0.5,0.6",
        ["Optimizer.Beta2"] = "--betas 0.5,0.6",
        ["Optimizer.Epsilon"] = "--eps 0.5",
        ["Optimizer.EpsilonInsideRoot"] = "--eps-inside-root",
        ["Optimizer.ClipNorm"] = "--clip-norm 0.5",
        ["Optimizer.LearningRateDecay"] = "--optimizer adagrad --lr-decay 0.5",
        ["Optimizer.InitialAccumulator"] = "--optimizer adagrad --initial-accumulator 0.5",
        ["Schedule"] = "--schedule rampdown:0.4",
        ["Warmup"] = "--warmup 7",
        ["Batch"] = "--batch 7",
        ["Shard"] = "--shard 7",
        ["Epochs"] = "--epochs 7",
        ["Steps"] = "--steps 7",
        ["Shuffle"] = "--no-shuffle",
        ["Ema"] = "--ema 0.5",
        ["Seed"] = "--seed 7",
        ["Init"] = "--init w.pth",
        ["InitScheme"] = "--init-scheme xavier-normal",
    };

    /// <summary>What opening a run finds out; nobody gives it.</summary>
    private static readonly string[] s_derived =
        ["Layers", "DataHash", "DataIndex", "ValidationHash", "InitialWeightsSha256"];

    /// <summary>What the recipe of a model says and the data decide; nobody gives it.</summary>
    private static readonly string[] s_ofRecipe = ["Data.NoiseIfClean", "Data.CropStep"];

    /// <summary>Derived unless it is given.</summary>
    private const string Shard = nameof(RunConfiguration.Shard);

    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public static TheoryData<string> All => [.. Names(typeof(RunConfiguration), "")];

    public static TheoryData<string> Given => [.. s_options.Keys];

    private static RunConfiguration Default => new TrainOptions().Configuration;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EveryProperty_HasAnOptionOrIsDerived() => Assert.Equal(
        Names(typeof(RunConfiguration), "").Order(StringComparer.Ordinal),
        s_options.Keys.Concat(s_derived).Concat(s_ofRecipe).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(All))]
    public void Property_Changed_SurvivesJsonAndMakesAnotherConfiguration(string name)
    {
        RunConfiguration changed = Change(Default, name);
        RunConfiguration read = RunConfiguration.Parse(changed.ToJson());

        Assert.NotEqual(Default, changed);
        Assert.Equal(changed, read);
        Assert.Equal(Text(changed, name), Text(read, name));
        Assert.NotEqual(Text(Default, name), Text(read, name));
    }

    [Theory]
    [MemberData(nameof(Given))]
    public async Task Property_GivenAsAnOption_IsInTheConfiguration(string name)
    {
        TrainOptions options = await AskAsync(s_options[name].Split(' '));

        Assert.NotEqual(Text(Default, name), Text(options.Configuration, name));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Property_Saved_IsWhatAResumedRunGoesOnWith(string name)
    {
        RunConfiguration saved = Change(Default, name);
        ConfigurationFile.Write(_folder, saved);

        TrainOptions options = await AskAsync("--run", _folder, "--resume");

        Assert.Equal(saved, options.Configuration);
        Assert.Equal(saved, options.Saved);
    }

    /// <summary>What is given again replaces what was saved.</summary>
    [Theory]
    [MemberData(nameof(Given))]
    public async Task Property_SavedAndGivenAgain_IsAsGiven(string name)
    {
        ConfigurationFile.Write(_folder, Default);

        TrainOptions options = await AskAsync(["--run", _folder, "--resume", .. s_options[name].Split(' ')]);

        Assert.NotEqual(Text(Default, name), Text(options.Configuration, name));
        Assert.Equal(Default, options.Saved);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Property_OfAFinishedRepetitionDiffers_ItIsNotTakenAsItIs(string name)
    {
        ConfigurationFile.Write(_folder, Change(Default, name));
        File.WriteAllText(Path.Combine(_folder, "model.safetensors"), "");
        File.WriteAllText(Path.Combine(_folder, "result.json"), """{"steps":9000,"epochs":9000}""");

        JsonObject? finished = RepeatedRuns.ReadFinished(new TrainOptions { Run = _folder });

        Assert.Equal(name is Shard || s_derived.Contains(name), finished is not null);
    }

    [Fact]
    public void Parse_LeafOfBefore_IsTheShard_AndOtherFaultsAreRefused()
    {
        RunConfiguration configuration = Default with { Shard = 5 };
        string before = configuration.ToJson().Replace("\"shard\"", "\"leaf\"", StringComparison.Ordinal);

        Assert.Equal(configuration, RunConfiguration.Parse(before));
        Assert.All(
            [("\"leaf\"", "\"leaves\""), ("\"leaf\"", "\"shard\":2,\"leaf\""), ("\"mse\"", "null"), (":5", ":5.5")],
            ((string Good, string Bad) each) => Assert.Throws<JsonException>(
                () => RunConfiguration.Parse(before.Replace(each.Good, each.Bad, StringComparison.Ordinal))));
    }

    private static async Task<TrainOptions> AskAsync(params string[] arguments)
    {
        using CommandRunner runner = new();
        int code = await runner.RunAsync(arguments);
        Assert.True(code == ExitCodes.Done, runner.Error);
        return runner.Options!;
    }

    private static IEnumerable<string> Names(Type type, string prefix) => Properties(type).SelectMany(property =>
        IsRecord(property.PropertyType)
            ? Names(property.PropertyType, prefix + property.Name + ".")
            : [prefix + property.Name]);

    private static IEnumerable<PropertyInfo> Properties(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite);

    private static bool IsRecord(Type type) => type == typeof(DataOptions) || type == typeof(OptimizerOptions);

    /// <summary>A copy with another value of one property.</summary>
    private static RunConfiguration Change(RunConfiguration configuration, string name)
    {
        string[] path = name.Split('.');
        RunConfiguration copy = configuration with { };
        object owner = copy;
        if (path.Length == 2)
        {
            owner = path[0] == nameof(RunConfiguration.Data) ? copy.Data with { } : copy.Optimizer with { };
            typeof(RunConfiguration).GetProperty(path[0])!.SetValue(copy, owner);
        }

        PropertyInfo property = owner.GetType().GetProperty(path[^1])!;
        property.SetValue(owner, Other(property.PropertyType, property.GetValue(owner)));
        return copy;
    }

    private static object Other(Type type, object? value) =>
        type == typeof(string) ? "other"
        : type == typeof(bool) ? !(bool)value!
        : type == typeof(int) || type == typeof(int?) ? 7
        : type == typeof(uint) ? 7u
        : type == typeof(double) || type == typeof(double?) ? 0.125
        : type == typeof(JsonArray) ? new JsonArray("ReLU")
        : throw new NotSupportedException($"Say here what another value of {type} is.");

    private static string Text(RunConfiguration configuration, string name)
    {
        object? value = configuration;
        foreach (string part in name.Split('.'))
        {
            value = value!.GetType().GetProperty(part)!.GetValue(value);
        }

        return JsonSerializer.Serialize(value);
    }
}
