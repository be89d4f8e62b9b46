using System.CommandLine;
using System.Globalization;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Reports;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary><c>reproduce</c>: makes tables and figures of the reports again, theirs beside ours.</summary>
internal static class ReproduceCommand
{
    private const string Everything = "all";
    private static readonly string[] s_courseFiles = ["train_data.pkl", "val_data.pkl"];

    /// <summary>The command with its options.</summary>
    public static Command Create(CommandContext context, StopSignals signals)
    {
        Command command = new("reproduce", "Make the reports' tables and figures again, theirs beside ours");
        Argument<string[]> names = new("NAME")
        {
            Description = "What to reproduce, one or several of --list, or all",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<bool> list = StrictOptions.Flag("--list", "Name everything there is");
        Option<double?> scale = StrictOptions.Number(
            "--scale", "Size; 1 is the reports' [1]", value => value is > 0 and <= 1, "a number above 0, at most 1");
        Option<string?> data = StrictOptions.Text(
            "--data", "FOLDER", "Folder of the course's train_data.pkl and val_data.pkl [synthetic images]");
        Option<int?> repeat = StrictOptions.WholeNumber("--repeat", "Runs of each row [as in the report]", 1, 1000);
        Option<string?> run = StrictOptions.Text(
            "--run", "DIR", "The folder of the results [under runs/, by size and data]");
        ExperimentOptions place = new();
        command.Arguments.Add(names);
        foreach (Option option in new Option[] { list, scale, data, repeat, run }.Concat(place.All))
        {
            command.Options.Add(option);
        }

        command.Validators.Add(place.Check);
        command.Validators.Add(result =>
        {
            string[] given = result.GetValue(names) ?? [];
            if (given.FirstOrDefault(name => name != Everything && Reproductions.Find(name) is null) is { } unknown)
            {
                result.AddError($"There is no experiment '{unknown}'; --list names all.");
            }
            else if (given.Length == 0 && !result.GetValue(list))
            {
                result.AddError("There is no NAME; give one of --list, or all.");
            }
        });
        command.SetAction((result, _) =>
        {
            if (result.GetValue(list))
            {
                context.Output.Write(List().ToMarkdown());
                return Task.FromResult(ExitCodes.Done);
            }

            string[] given = result.GetValue(names)!;
            ReproduceSize size = new(
                result.GetValue(scale) ?? 1, Folder(result.GetValue(data)), result.GetValue(repeat));
            TrainSettings settings = TrainSettings.Read(context.OpenSettings);
            Wanted task = new(
                given.Contains(Everything)
                    ? Reproductions.All
                    : [.. given.Distinct().Select(name => Reproductions.Find(name)!)],
                size,
                Path.GetFullPath(result.GetValue(run) ?? DefaultFolder(settings, size)),
                string.Join(' ', given));
            return RunAsync(task, place.Read(result, settings), settings, context, signals);
        });
        return command;
    }

    private static ResultTable List() => new(
        "Experiments",
        [new("name", "NAME"), new("source", "Source"), new("shows", "Shows")],
        [.. Reproductions.All.Select(one => (IReadOnlyList<object?>)[one.Name, one.Source, one.Shows])],
        []);

    private static async Task<int> RunAsync(
        Wanted task, ExperimentRequest request, TrainSettings settings, CommandContext context, StopSignals signals)
    {
        ReproduceRecord.Check(task.Folder, task.Size);
        Directory.CreateDirectory(task.Folder);
        using RunLock held = RunLock.Take(task.Folder);
        RunHolder.OfThisProcess(term: 0, context.Clock).Write(task.Folder);
        ExperimentFolder.Adopt(task.Folder);
        ReproduceRecord.Write(task.Folder, task.Size);
        TextWriter human = TextWriter.Synchronized(context.Human(request.IsJson));
        await using ExperimentNode node =
            await ExperimentNode.StartAsync(request.Place, task.Folder, context, signals);
        TrainLine train = new(node.Context, settings);
        TrialRunner runner = new(train, task.Folder, node.Place);
        ExperimentRunner experiments = new(runner, train.Explain, request.Place.Parallel, human.WriteLine);
        Dictionary<string, TrialResult> all = await CollectAsync(task, experiments, signals.Token);
        List<string> files = [];
        foreach (Reproduction one in task.Reproductions)
        {
            ExperimentReport report = one.Report(task.Size, ResultsOf(one, task.Size, all), signals.Token);
            string folder = Path.Combine(task.Folder, one.Name);
            Directory.CreateDirectory(folder);
            files.AddRange(report.Write(folder));
            human.WriteLine();
            human.WriteLine(ResultTable.ToMarkdown(report.Tables));
        }

        string resume = $"{context.Program} reproduce {task.Names} --scale "
            + $"{task.Size.Scale.ToString(CultureInfo.InvariantCulture)} --run {ShellLine.Quote(task.Folder)}"
            + (task.Size.Data is { } data ? $" --data {ShellLine.Quote(data)}" : "")
            + (task.Size.Repeat is { } repeat ? $" --repeat {repeat}" : "");
        return ExperimentEnding.Write(
            [.. all.Values],
            files,
            resume,
            new ExperimentEnding.Surroundings(context, human, request.IsJson, task.Folder),
            signals);
    }

    /// <summary>
    /// Runs the trials of all reproductions together, so that no core waits, until none asks for more.
    /// </summary>
    private static async Task<Dictionary<string, TrialResult>> CollectAsync(
        Wanted task, ExperimentRunner experiments, CancellationToken stop)
    {
        Dictionary<string, TrialResult> all = [];
        while (true)
        {
            Trial[] trials =
            [
                .. task.Reproductions.SelectMany(one => one.Trials(task.Size, ResultsOf(one, task.Size, all)))
                    .DistinctBy(trial => trial.Name).Where(trial => !all.ContainsKey(trial.Name)),
            ];
            if (trials.Length == 0)
            {
                return all;
            }

            foreach (TrialResult result in await experiments.RunAsync(trials, stop))
            {
                all.Add(result.Trial.Name, result);
            }
        }
    }

    /// <summary>The results of the trials that a reproduction asks for, as far as they are known.</summary>
    private static TrialResult[] ResultsOf(
        Reproduction one, ReproduceSize size, Dictionary<string, TrialResult> all)
    {
        TrialResult[] known = [];
        while (true)
        {
            TrialResult[] more =
            [
                .. one.Trials(size, known).Select(trial => trial.Name).Where(all.ContainsKey).Select(name => all[name]),
            ];
            if (more.Length <= known.Length)
            {
                return known;
            }

            known = more;
        }
    }

    private static string DefaultFolder(TrainSettings settings, ReproduceSize size) => Path.Combine(
        settings.RunsRoot ?? "runs",
        "reproduce"
            + (size.IsFull ? "" : "-" + size.Scale.ToString(CultureInfo.InvariantCulture))
            + (size.Data is { } data ? "-" + FolderName.Of(Path.GetFileName(data)) : "")
            + (size.Repeat is { } repeat ? $"-repeat-{repeat}" : ""));

    private static string? Folder(string? data)
    {
        if (data is not null
            && s_courseFiles.FirstOrDefault(name => !File.Exists(Path.Combine(data, name))) is { } missing)
        {
            throw new ConfigurationException(
                $"--data {data}: {missing} is not there.",
                "Name the folder that has the course's train_data.pkl and val_data.pkl, or leave --data out.");
        }

        return data is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(data));
    }

    /// <summary>What was asked for.</summary>
    private sealed record Wanted(
        IReadOnlyList<Reproduction> Reproductions, ReproduceSize Size, string Folder, string Names);
}
