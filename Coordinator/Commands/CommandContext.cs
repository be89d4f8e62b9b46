using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Runs;
using Distributed.Protocol;
using Microsoft.Extensions.Configuration;

namespace Distributed.Coordinator.Commands;

/// <summary>What a command has around it: where to write, what time it is, what the environment says.</summary>
/// <remarks>Nothing under Commands uses the console or reads the environment but through this.</remarks>
internal sealed record CommandContext
{
    /// <summary>Standard output: results.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard error: faults, and with <c>--json</c> everything that people read.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether a person looks at standard output.</summary>
    public bool IsOutputTerminal { get; init; }

    /// <summary>Whether a person looks at standard error.</summary>
    public bool IsErrorTerminal { get; init; }

    /// <summary>Whether to do without colours: NO_COLOR is set.</summary>
    public bool NoColor { get; init; }

    /// <summary>Whether faults are shown with their stack: DISTRIBUTED_DEBUG is 1.</summary>
    public bool IsDebug { get; init; }

    /// <summary>How the user calls this program.</summary>
    public string Program { get; init; } = "coordinator";

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Opens appsettings.json below the environment.</summary>
    public Func<IConfiguration> OpenSettings { get; init; } = () => new ConfigurationBuilder().Build();

    /// <summary>Trains.</summary>
    public Func<TrainOptions, ITrainingDisplay, CancellationToken, Task<TrainResult>> Train { get; init; } =
        TrainSession.RunAsync;

    /// <summary>Who watches this process as a service.</summary>
    public ServiceManager Service { get; init; } = ServiceManager.None;

    /// <summary>Asks who holds a run over the network; null to ask by files alone.</summary>
    public IHolderContact? Contact { get; init; }

    /// <summary>This process's own.</summary>
    public static CommandContext OfProcess() => new()
    {
        Output = Console.Out,
        Error = Console.Error,
        IsOutputTerminal = !Console.IsOutputRedirected,
        IsErrorTerminal = !Console.IsErrorRedirected,
        NoColor = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
        IsDebug = Environment.GetEnvironmentVariable("DISTRIBUTED_DEBUG") == "1",
        Contact = new HolderContact(),
        Service = ServiceManager.OfProcess(),
        Program = ShellLine.Program("Coordinator", Environment.ProcessPath),
        OpenSettings = () => new ConfigurationBuilder()
            .SetBasePath(AppContext.BaseDirectory)
            .AddJsonFile("appsettings.json", optional: true)
            .AddEnvironmentVariables("DISTRIBUTED_")
            .Build(),
    };

    /// <summary>Where people read: not standard output if that is for a program.</summary>
    public TextWriter Human(bool json) => json ? Error : Output;
}
