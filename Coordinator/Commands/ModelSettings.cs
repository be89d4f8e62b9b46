using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Models;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Commands;

/// <summary>The options of <c>train</c> that say what is trained, and from where.</summary>
internal sealed class ModelSettings
{
    /// <summary>Which model.</summary>
    public Option<string?> Name { get; } = StrictOptions.Text(
        "--model",
        "NAME|FILE",
        $"Model: {string.Join(", ", Catalogue.Names)} (with :channels=N), or a JSON file [{Recipe.DefaultModel}]");

    private readonly Option<string?> _init = StrictOptions.Text(
        "--init", "FILE", "Initial weights: safetensors, or a PyTorch state_dict [PyTorch's random defaults]");

    private readonly Option<string?> _initScheme = StrictOptions.Checked(
        "--init-scheme",
        "SCHEME",
        $"How initial weights are drawn: {Initializer.Allowed} [default]",
        text => Initializer.Parse(text));

    /// <summary>All of them, in the order of the help.</summary>
    public IReadOnlyList<Setting> All =>
    [
        Setting.Of(
            Name, (configuration, model) => configuration with { Model = model, Layers = [] }),
        Setting.Of(_init, (configuration, file) => configuration with { Init = file }),
        Setting.Of(_initScheme, (configuration, scheme) =>
            configuration with { InitScheme = scheme == "default" ? null : scheme }),
        Setting.Of(
            StrictOptions.OneOf(
                "--conv", ConvolutionAlgorithms.Names, "How convolutions are computed; part of the result [auto]"),
            (configuration, name) => configuration with { Conv = name }),
    ];

    /// <summary>Finds options that exclude each other.</summary>
    public void Check(CommandResult result)
    {
        if (Setting.IsGiven(result, _init) && Setting.IsGiven(result, _initScheme))
        {
            result.AddError("--init and --init-scheme exclude each other; give one of them.");
        }
    }
}
