using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary>
/// What a run ran on: for people who compare speeds or look for a fault. The result does not depend on it.
/// </summary>
public static class RunEnvironment
{
    private const string Hidden = "***";
    private static readonly string[] s_secretWords = ["token", "secret", "password"];

    /// <summary>Describes this machine and process.</summary>
    /// <param name="commandLine">Arguments of the program.</param>
    /// <param name="term">Which life of the coordinator this is.</param>
    /// <param name="clock">Gives the time of the start.</param>
    public static JsonObject Describe(IReadOnlyList<string> commandLine, long term, TimeProvider clock) => new()
    {
        ["term"] = term,
        ["started"] = clock.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        ["machine"] = Environment.MachineName,
        ["operatingSystem"] = RuntimeInformation.OSDescription,
        ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
        ["processor"] = ProcessorName(),
        ["processorFeatures"] = new JsonArray([.. Features().Select(name => (JsonNode)name)]),
        ["vectorBits"] = NumericsFingerprint.VectorBits,
        ["cores"] = Environment.ProcessorCount,
        ["memoryBytes"] = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        ["dotnet"] = RuntimeInformation.FrameworkDescription,
        ["program"] = typeof(RunEnvironment).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
        ["commandLine"] = new JsonArray([.. WithoutSecrets(commandLine).Select(argument => (JsonNode)argument)]),
    };

    /// <summary>Arguments with everything hidden that could let somebody join.</summary>
    /// <remarks>
    /// Secrets do not belong on a command line; this is for people who put one there nevertheless. Hidden are the
    /// values of options that are named for a secret (not for a file or folder that holds one), what follows <c>::</c>
    /// in a token, and passwords, queries and fragments of URLs.
    /// </remarks>
    public static IReadOnlyList<string> WithoutSecrets(IReadOnlyList<string> arguments)
    {
        List<string> shown = [];
        bool hideNext = false;
        foreach (string argument in arguments)
        {
            bool isOption = argument.StartsWith('-');
            string name = argument.Split('=', 2)[0];
            if (hideNext && !isOption)
            {
                shown.Add(Hidden);
            }
            else if (isOption && IsSecret(name))
            {
                shown.Add(argument.Length > name.Length ? $"{name}={Hidden}" : argument);
            }
            else
            {
                shown.Add(WithoutInnerSecret(argument));
            }

            hideNext = isOption && argument.Length == name.Length && IsSecret(name);
        }

        return shown;
    }

    private static bool IsSecret(string option) =>
        option != "--secrets" && !option.EndsWith("-file", StringComparison.OrdinalIgnoreCase)
        && s_secretWords.Any(word => option.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static string WithoutInnerSecret(string argument)
    {
        if (argument.IndexOf("://", StringComparison.Ordinal) is var scheme and >= 0)
        {
            int end = argument.IndexOfAny(['?', '#'], scheme);
            string address = end < 0 ? argument : argument[..(end + 1)] + Hidden;
            int at = address.IndexOf('@', scheme);
            return at < 0 ? address : address[..(scheme + 3)] + Hidden + address[at..];
        }

        // Loopback addresses of IPv6, such as [::1]:5500, have the same two colons.
        int pin = argument.IndexOf("::", StringComparison.Ordinal);
        return pin >= 16 ? argument[..(pin + 2)] + Hidden : argument;
    }

    private static string ProcessorName()
    {
        const string CpuInfo = "/proc/cpuinfo";
        if (File.Exists(CpuInfo))
        {
            string? line = File.ReadLines(CpuInfo)
                .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
            return line?.Split(':', 2)[^1].Trim() ?? "unknown";
        }

        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unknown";
    }

    private static IEnumerable<string> Features()
    {
        (string Name, bool IsThere)[] features =
        [
            ("sse4.2", Sse42.IsSupported),
            ("avx", Avx.IsSupported),
            ("avx2", Avx2.IsSupported),
            ("fma", Fma.IsSupported),
            ("avx512f", Avx512F.IsSupported),
            ("avx512bw", Avx512BW.IsSupported),
            ("avx512vbmi", Avx512Vbmi.IsSupported),
            ("neon", AdvSimd.IsSupported),
            ("dotprod", Dp.IsSupported),
        ];
        return features.Where(feature => feature.IsThere).Select(feature => feature.Name);
    }
}
