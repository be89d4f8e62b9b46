using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Coordinator.Runs;

namespace Distributed.Coordinator.Commands;

/// <summary>Which trained model: a run's, or weights from a file and a model by name.</summary>
internal sealed class ModelArguments
{
    private readonly Option<string?> _run = StrictOptions.Text("--run", "DIR", "The run folder");

    private readonly Option<bool> _best = StrictOptions.Flag(
        "--best", "Of the run, the best validated weights instead of the last");

    private readonly Option<string?> _weights = StrictOptions.Text(
        "--weights", "FILE", "Weights instead of a run: safetensors, or a PyTorch state_dict");

    private readonly Option<string?> _model = StrictOptions.Text(
        "--model", "NAME|FILE", "The model that --weights belong to, by name or as a JSON file [what the file says]");

    /// <summary>Adds the options and their rules to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_run);
        command.Options.Add(_best);
        command.Options.Add(_weights);
        command.Options.Add(_model);
        command.Validators.Add(Check);
    }

    /// <summary>Loads it.</summary>
    public LoadedModel Load(ParseResult result) => result.GetValue(_run) is { } run
        ? ModelLoader.FromRun(run, result.GetValue(_best))
        : ModelLoader.FromWeights(result.GetValue(_weights)!, result.GetValue(_model));

    private void Check(CommandResult result)
    {
        bool hasRun = Has(_run);
        if (hasRun == Has(_weights))
        {
            result.AddError(hasRun
                ? "--run and --weights exclude each other; give one of them."
                : "There is no model; give --run DIR, or --weights FILE.");
        }
        else if (hasRun && Has(_model))
        {
            result.AddError("--model belongs to --weights; a run knows its model.");
        }
        else if (!hasRun && Has(_best))
        {
            result.AddError("--best belongs to --run.");
        }

        bool Has(Option option) => result.GetResult(option) is { Implicit: false };
    }
}
