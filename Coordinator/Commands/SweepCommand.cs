using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary><c>sweep</c>: trains every combination of the values of a few options.</summary>
internal static class SweepCommand
{
    private const string FileName = "sweep.json";
    private const int RepeatMax = 1000;
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
    };

    /// <summary>The command with its options; those of <c>train</c> are taken as they are.</summary>
    public static Command Create(CommandContext context, StopSignals signals)
    {
        Command command = new("sweep", "Train every combination of some options' values; a sorted table and plots")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        Option<string[]> grid = new("--grid")
        {
            HelpName = "OPTION=V1,V2",
            Description = "An option of train without its dashes, and its values; may be given several times",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<int?> repeat = StrictOptions.WholeNumber(
            "--repeat", "Runs of each combination, with seeds from --seed on [1]", 1, RepeatMax);
        Option<uint?> seed = StrictOptions.Seed("--seed", "The first seed [0]");
        Option<bool> eachEpoch = StrictOptions.Flag(
            "--validate-each-epoch", "Validate after each epoch, for its curve [after a minute at least]");
        Option<string?> run = StrictOptions.Text("--run", "DIR", "The folder of the sweep [a new one under runs/]");
        Option<bool> resume = StrictOptions.Flag(
            "--resume", "Go on with the sweep in --run, with the options that it was begun with");
        ExperimentOptions place = new();
        foreach (Option option in new Option[] { grid, repeat, seed, eachEpoch, run, resume }.Concat(place.All))
        {
            command.Options.Add(option);
        }

        command.Validators.Add(place.Check);
        command.SetAction((result, _) =>
        {
            string? folder = result.GetValue(run);
            SweepPlan? given = result.GetValue(grid) is { Length: > 0 } axes
                ? new SweepPlan(
                    axes,
                    [.. result.UnmatchedTokens],
                    result.GetValue(repeat) ?? 1,
                    result.GetValue(seed) ?? 0,
                    result.GetValue(eachEpoch))
                : null;
            if (given is null && Idle(result, [repeat, seed, eachEpoch]) is { Length: > 0 } idle)
            {
                new ErrorReport(
                    ExitCodes.Usage,
                    $"{idle} would be ignored: a sweep without --grid goes on with the options it was begun with.",
                    "Leave it out, or give the whole sweep with --grid. Nothing was done.")
                    .Write(context.Error, exception: null, context.IsDebug);
                return Task.FromResult(ExitCodes.Usage);
            }

            TrainSettings settings = TrainSettings.Read(context.OpenSettings);
            ExperimentRequest request = place.Read(result, settings);
            return RunAsync(given, folder, result.GetValue(resume), request, settings, context, signals);
        });
        return command;
    }

    /// <summary>What is given of a sweep's own options, and of those of <c>train</c>.</summary>
    private static string Idle(ParseResult result, Option[] own) => string.Join(' ', own
        .Where(option => result.GetResult(option) is { Implicit: false })
        .Select(option => option.Name)
        .Concat(result.UnmatchedTokens));

    private static async Task<int> RunAsync(
        SweepPlan? given,
        string? run,
        bool resume,
        ExperimentRequest request,
        TrainSettings settings,
        CommandContext context,
        StopSignals signals)
    {
        string folder = Path.GetFullPath(run ?? NewFolder(resume, settings, context));
        SweepPlan plan = Choose(given, folder, resume);
        TrainLine train = new(context, settings);
        GridAxis[] axes = [.. plan.Grid.Select(text => GridAxis.Parse(text, train.Find))];
        IReadOnlyList<Trial> trials =
            Grid.Trials(axes, plan.Arguments, plan.Repeat, plan.Seed, plan.ValidatesEachEpoch);
        foreach (Trial trial in trials)
        {
            train.Parse(trial.Arguments);
        }

        Directory.CreateDirectory(folder);
        using RunLock held = RunLock.Take(folder);
        RunHolder.OfThisProcess(term: 0, context.Clock).Write(folder);
        ExperimentFolder.Adopt(folder);
        AtomicFile.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(plan, s_json) + "\n");
        TextWriter human = TextWriter.Synchronized(context.Human(request.IsJson));
        human.WriteLine($"Sweep of {trials.Count} trials, {request.Place.Parallel} at once, in {folder}");
        await using ExperimentNode node =
            await ExperimentNode.StartAsync(request.Place, folder, context, signals);
        TrialRunner runner = new(new TrainLine(node.Context, settings), folder, node.Place);
        ExperimentRunner experiment = new(runner, train.Explain, request.Place.Parallel, human.WriteLine);
        IReadOnlyList<TrialResult> results = await experiment.RunAsync(trials, signals.Token);
        ExperimentReport report = SweepReport.Create(axes, results);
        IReadOnlyList<string> files = report.Write(folder);
        human.WriteLine();
        human.Write(ResultTable.ToMarkdown(report.Tables));
        return ExperimentEnding.Write(
            results,
            files,
            $"{context.Program} sweep --run {ShellLine.Quote(folder)} --resume",
            new ExperimentEnding.Surroundings(context, human, request.IsJson, folder),
            signals);
    }

    /// <summary>The plan of the command line, or the one that the folder has; both must be the same.</summary>
    private static SweepPlan Choose(SweepPlan? given, string folder, bool resume)
    {
        string path = Path.Combine(folder, FileName);
        SweepPlan? saved = File.Exists(path) ? Read(path) : null;
        if (given is null)
        {
            return saved ?? throw new ConfigurationException(
                resume ? $"There is no sweep in {folder}." : "There is no grid.",
                "Say what to vary, as in --grid lr=0.1,0.01 --grid batch=8,32.");
        }

        return saved is null || saved.IsSame(given)
            ? given
            : throw new ConfigurationException(
                $"The sweep in {folder} has another grid or other options.",
                "Give the same again, or --resume alone, or choose another folder with --run; nothing was written.");
    }

    private static SweepPlan Read(string path)
    {
        try
        {
            JsonObject json = JsonNode.Parse(File.ReadAllText(path)) as JsonObject
                ?? throw new JsonException("It is no JSON object.");
            ExperimentFolder.RenameArguments(json);
            return json.Deserialize<SweepPlan>(s_json)!;
        }
        catch (JsonException exception)
        {
            throw new DataException(
                $"{path} cannot be read: {exception.Message}", "Choose another folder with --run.", exception);
        }
    }

    private static string NewFolder(bool resume, TrainSettings settings, CommandContext context)
    {
        if (resume)
        {
            throw new ConfigurationException(
                "--resume does not say which sweep.", "Name its folder: --run runs/NAME --resume.");
        }

        string time = context.Clock.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        string folder = Path.Combine(settings.RunsRoot ?? "runs", $"{time}-sweep");
        for (int number = 2; Directory.Exists(folder); number++)
        {
            folder = Path.Combine(settings.RunsRoot ?? "runs", $"{time}-sweep-{number}");
        }

        return folder;
    }

    /// <summary>What a sweep is: kept in its folder, so that it can be gone on with.</summary>
    private sealed record SweepPlan(
        IReadOnlyList<string> Grid, IReadOnlyList<string> Arguments, int Repeat, uint Seed, bool ValidatesEachEpoch)
    {
        public bool IsSame(SweepPlan other) => JsonNode.DeepEquals(
            JsonSerializer.SerializeToNode(this, s_json), JsonSerializer.SerializeToNode(other, s_json));
    }
}
