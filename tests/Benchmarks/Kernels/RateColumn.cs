using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Distributed.Benchmarks.Kernels;

/// <summary>A kernel's work over its mean time: GFLOP/s, or GB/s where it moves more than it computes.</summary>
internal sealed class RateColumn : IColumn
{
    /// <inheritdoc/>
    public string Id => nameof(RateColumn);

    /// <inheritdoc/>
    public string ColumnName => "Rate";

    /// <inheritdoc/>
    public bool AlwaysShow => true;

    /// <inheritdoc/>
    public ColumnCategory Category => ColumnCategory.Custom;

    /// <inheritdoc/>
    public int PriorityInCategory => 0;

    /// <inheritdoc/>
    public bool IsNumeric => true;

    /// <inheritdoc/>
    public UnitType UnitType => UnitType.Dimensionless;

    /// <inheritdoc/>
    public string Legend => "Work of the definition, or bytes read and written, in a second of the mean";

    /// <inheritdoc/>
    public bool IsAvailable(Summary summary) => true;

    /// <inheritdoc/>
    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    /// <inheritdoc/>
    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
        GetValue(summary, benchmarkCase, SummaryStyle.Default);

    /// <inheritdoc/>
    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        // The statistics are in nanoseconds, so that a unit of work each is a billion a second.
        if (summary[benchmarkCase]?.ResultStatistics is not { Mean: > 0 } time
            || benchmarkCase.Parameters["Kernel"] is not KernelCase kernel)
        {
            return "?";
        }

        string unit = kernel.Work == Work.Flops ? "GFLOP/s" : "GB/s";
        return $"{(kernel.Amount / time.Mean).ToString("F1", CultureInfo.InvariantCulture)} {unit}";
    }
}
