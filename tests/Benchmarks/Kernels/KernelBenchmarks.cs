using System.Runtime.Intrinsics;
using BenchmarkDotNet.Attributes;
using Distributed.Framework.Kernels;

namespace Distributed.Benchmarks.Kernels;

/// <summary>The kernels that are written once for all vector widths, at each width that the machine has.</summary>
public class VectorKernelBenchmarks
{
    private Action _run = () => { };

    /// <summary>What to measure.</summary>
    internal static IReadOnlyList<KernelCase> Chosen { get; set; } = [];

    /// <summary>For the parameter.</summary>
    public static IEnumerable<KernelCase> Kernels => Chosen;

    /// <summary>For the parameter: wider vectors would be emulated.</summary>
    public static IEnumerable<int> Widths
    {
        get
        {
            yield return 128;
            if (Vector256.IsHardwareAccelerated)
            {
                yield return 256;
            }

            if (Vector512.IsHardwareAccelerated)
            {
                yield return 512;
            }
        }
    }

    /// <summary>Which kernel, at which size.</summary>
    [ParamsSource(nameof(Kernels))]
    public KernelCase? Kernel { get; set; }

    /// <summary>Bits of a vector.</summary>
    [ParamsSource(nameof(Widths))]
    public int Bits { get; set; }

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public void Prepare() => _run = Kernel!.Prepare(KernelSet.ForBits(Bits));

    /// <summary>One call.</summary>
    [Benchmark]
    public void Run() => _run();
}

/// <summary>The kernels that no vector width changes.</summary>
public class ScalarKernelBenchmarks
{
    private Action _run = () => { };

    /// <summary>What to measure.</summary>
    internal static IReadOnlyList<KernelCase> Chosen { get; set; } = [];

    /// <summary>For the parameter.</summary>
    public static IEnumerable<KernelCase> Kernels => Chosen;

    /// <summary>Which kernel, at which size.</summary>
    [ParamsSource(nameof(Kernels))]
    public KernelCase? Kernel { get; set; }

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public void Prepare() => _run = Kernel!.Prepare(KernelSet.Current);

    /// <summary>One call.</summary>
    [Benchmark]
    public void Run() => _run();
}
