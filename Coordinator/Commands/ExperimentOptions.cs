using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Coordinator.Experiments;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary>Where to compute an experiment, and for whom to write.</summary>
internal sealed record ExperimentRequest(TrialPlace Place, bool IsJson);

/// <summary>The options that <c>sweep</c> and <c>reproduce</c> share.</summary>
internal sealed class ExperimentOptions
{
    private readonly Option<int?> _parallel = StrictOptions.WholeNumber(
        "--parallel", "Trials at once, one worker of one thread each [one a core]", 1, TrainArguments.WorkersMax);

    private readonly Option<int?> _workers = StrictOptions.WholeNumber(
        "--workers", "With --listen: local workers beside those that join [0]", 0, TrainArguments.WorkersMax);

    private readonly Option<ListenAddress?> _listen = StrictOptions.Address(
        "--listen", "Await other machines' workers here; they compute trial after trial and end with the last");

    private readonly Option<ListenAddress?> _http = StrictOptions.Address(
        "--http", "With --listen: where /healthz, /readyz and /metrics are served from first to last trial [nowhere]");

    private readonly Option<int?> _minWorkers = StrictOptions.WholeNumber(
        "--min-workers", "With --listen: workers that must be there before a trial's first step [1]",
        1,
        TrainArguments.WorkersMax);

    private readonly Option<string?> _secrets = StrictOptions.Text(
        "--secrets", "DIR", "With --listen: folder of the coordinator's key and tokens [secrets in the folder]");

    private readonly Option<string?> _tokenFile = StrictOptions.Text(
        "--token-file",
        "FILE",
        "With --listen: file with the token that lets workers in [DISTRIBUTED_TOKEN, or that in --secrets]");

    private readonly Option<bool> _json = StrictOptions.Flag(
        "--json", "One JSON object as the last line of standard output; the rest goes to standard error");

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All => [_parallel, _listen, _http, _workers, _minWorkers, _secrets, _tokenFile, _json];

    /// <summary>Finds options that need each other.</summary>
    public void Check(CommandResult result)
    {
        bool listens = Has(_listen);
        foreach (Option option in new Option[] { _http, _workers, _minWorkers, _secrets, _tokenFile })
        {
            if (Has(option) && !listens)
            {
                result.AddError($"{option.Name} needs --listen; without it, --parallel N says how many trials run.");
            }
        }

        if (listens && Has(_parallel))
        {
            result.AddError("--parallel and --listen exclude each other: joined workers compute one trial at a time.");
        }

        bool Has(Option option) => result.GetResult(option) is { Implicit: false };
    }

    /// <summary>What was asked for.</summary>
    public ExperimentRequest Read(ParseResult result, TrainSettings settings) => new(
        result.GetValue(_listen) is { } listen
            ? new TrialPlace(
                1,
                result.GetValue(_workers) ?? 0,
                listen,
                result.GetValue(_minWorkers) ?? 1,
                result.GetValue(_tokenFile),
                result.GetValue(_secrets) ?? settings.Secrets,
                result.GetValue(_http))
            : new TrialPlace(result.GetValue(_parallel) ?? Environment.ProcessorCount),
        result.GetValue(_json));
}
