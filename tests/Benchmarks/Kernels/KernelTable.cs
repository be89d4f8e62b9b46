using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using BenchmarkDotNet.Validators;
using Perfolizer.Horology;

namespace Distributed.Benchmarks.Kernels;

/// <summary>Every kernel alone on one thread: time, rate and allocated bytes of a call, by BenchmarkDotNet.</summary>
/// <remarks>
/// In this process and with a short job: a process of its own for each of some 200 rows would have to be generated,
/// restored and built, and would take half an hour. Nothing is written but the table.
/// </remarks>
internal static class KernelTable
{
    private const int Warmups = 3;
    private const int Iterations = 5;
    private const int NameLengthMax = 80;
    private static readonly TimeSpan s_iteration = TimeSpan.FromMilliseconds(100);

    /// <summary>Measures the kernels whose names contain the filter, and prints them.</summary>
    /// <returns>The exit code: 1 if a kernel failed or allocates, 2 if there is none of that name.</returns>
    public static int Write(string filter)
    {
        List<Type> types = [];
        IEnumerable<KernelCase> all =
        [
            .. VectorCases.All(),
            .. ConvolutionCases.All(),
            .. WinogradCases.All(),
            .. LayerCases.All(),
            .. UpdateCases.All(),
        ];
        VectorKernelBenchmarks.Chosen = Choose(all, filter);
        ScalarKernelBenchmarks.Chosen = Choose(ScalarCases.All(), filter);
        if (VectorKernelBenchmarks.Chosen.Count > 0)
        {
            types.Add(typeof(VectorKernelBenchmarks));
        }

        if (ScalarKernelBenchmarks.Chosen.Count > 0)
        {
            types.Add(typeof(ScalarKernelBenchmarks));
        }

        if (types.Count == 0)
        {
            Console.Error.WriteLine($"No kernel's name contains '{filter}'.");
            return 2;
        }

        Summary[] summaries = BenchmarkRunner.Run([.. types], Config());
        Console.Error.WriteLine();
        foreach (Summary summary in summaries)
        {
            MarkdownExporter.GitHub.ExportToLog(summary, ConsoleLogger.Default);
        }

        return summaries.Any(summary => summary.HasCriticalValidationErrors
            || summary.Reports.Any(report => !report.Success || report.ResultStatistics is null)) ? 1 : 0;
    }

    private static KernelCase[] Choose(IEnumerable<KernelCase> all, string filter) =>
        [.. all.Where(each => each.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))];

    private static ManualConfig Config() => ManualConfig.CreateEmpty()
        .AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(Warmups)
            .WithIterationCount(Iterations)
            .WithIterationTime(TimeInterval.FromMilliseconds(s_iteration.TotalMilliseconds)))
        .AddValidator(JitOptimizationsValidator.FailOnError)
        .AddDiagnoser(new MemoryDiagnoser(new MemoryDiagnoserConfig(displayGenColumns: false)))
        .AddColumnProvider(DefaultColumnProviders.Params)
        .AddColumn(StatisticColumn.Mean, StatisticColumn.StdDev, new RateColumn())
        .AddColumnProvider(DefaultColumnProviders.Metrics)
        .AddLogger(new ProgressLogger())
        .WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared))
        .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(NameLengthMax))
        .WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableLogFile)
        .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "BenchmarkDotNet.Artifacts"));
}
