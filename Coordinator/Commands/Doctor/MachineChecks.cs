using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Commands.Doctor;

/// <summary>What this machine computes with, and whether it computes right.</summary>
internal static class MachineChecks
{
    private const long MemoryEnoughBytes = 2L << 30;
    private static readonly int[] s_widths = [128, 256, 512];

    /// <summary>System and runtime.</summary>
    public static IEnumerable<Finding> System(TimeProvider clock)
    {
        JsonObject environment = RunEnvironment.Describe([], term: 0, clock);
        yield return new Finding(
            Health.Ok, "system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}");
        yield return new Finding(Health.Ok, "dotnet", RuntimeInformation.FrameworkDescription);
        yield return new Finding(
            Health.Ok,
            "program",
            $"version {environment["program"]}, called as {Path.GetFileName(Environment.ProcessPath)}");
        yield return new Finding(Health.Ok, "processor", $"{environment["processor"]}");
        yield return Vectors();
        yield return Cores(Environment.ProcessorCount);
        yield return Memory(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    }

    /// <summary>Whether kernels give the same bits at every vector width.</summary>
    public static Finding Numerics(Func<int, string> fingerprint)
    {
        string[] prints = [.. s_widths.Select(fingerprint)];
        return prints.Distinct().Count() == 1
            ? new Finding(
                Health.Ok, "numerics", $"kernels of {string.Join(", ", s_widths)} bits agree: {prints[0]}")
            : new Finding(
                Health.Fail,
                "numerics",
                $"kernels of {string.Join(", ", s_widths)} bits disagree: {string.Join(", ", prints)}.",
                "This machine would give other weights than others: check memory and processor, and report it.");
    }

    /// <summary>Whether the two clocks go, forward, and equally fast.</summary>
    public static Finding Clock(TimeProvider clock, Action wait)
    {
        DateTimeOffset before = clock.GetUtcNow();
        long start = clock.GetTimestamp();
        wait();
        TimeSpan passed = clock.GetElapsedTime(start);
        TimeSpan wall = clock.GetUtcNow() - before;
        if (passed <= TimeSpan.Zero || (wall - passed).Duration() > TimeSpan.FromSeconds(1))
        {
            return new Finding(
                Health.Warn,
                "clock",
                $"the wall clock jumps: {wall} went by in {passed}.",
                "Check its synchronization.");
        }

        return before.Year >= 2025
            ? new Finding(
                Health.Ok, "clock", before.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture))
            : new Finding(
                Health.Warn,
                "clock",
                before.ToString("yyyy-MM-dd'.'", CultureInfo.InvariantCulture),
                "Set the clock: names of runs and certificates depend on it.");
    }

    /// <summary>Whether there is memory to work with.</summary>
    internal static Finding Memory(long bytes)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB for this process");
        return bytes >= MemoryEnoughBytes
            ? new Finding(Health.Ok, "memory", text)
            : new Finding(Health.Warn, "memory", text + ".", "Use small batches and few workers.");
    }

    private static Finding Cores(int cores) => new(
        Health.Ok,
        "cores",
        string.Create(CultureInfo.InvariantCulture, $"{cores}: train starts as many workers by default"));

    private static Finding Vectors()
    {
        (string Name, bool IsThere)[] features = RuntimeInformation.ProcessArchitecture is Architecture.X64
            ? [("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("AVX-512", Avx512F.IsSupported)]
            : [("NEON", AdvSimd.IsSupported)];
        string there = string.Join(
            ", ", features.Select(feature => $"{feature.Name} {(feature.IsThere ? "yes" : "no")}"));
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{there}; kernels use {NumericsFingerprint.VectorBits} bits");
        return NumericsFingerprint.IsFused
            ? new Finding(Health.Ok, "vectors", text)
            : new Finding(
                Health.Fail, "vectors", text + ".", "A processor with FMA is needed (x64 of 2013 or later).");
    }
}
