using Distributed.Framework.Errors;

namespace Distributed.Framework.Execution;

/// <summary>How convolutions are computed: part of the configuration, since it changes bits.</summary>
public enum ConvolutionAlgorithm
{
    /// <summary>What is fastest for the kernel, the stride and the channels, and for nothing else.</summary>
    Auto,

    /// <summary>Winograd's F(4 x 4, 3 x 3) for all 3 x 3 convolutions of stride 1; the others directly.</summary>
    Winograd4,

    /// <summary>Winograd's F(2 x 2, 3 x 3) for all 3 x 3 convolutions of stride 1; the others directly.</summary>
    Winograd2,

    /// <summary>All by their definition.</summary>
    Direct,
}

/// <summary>The names of <see cref="ConvolutionAlgorithm"/>, on the command line and in configurations.</summary>
public static class ConvolutionAlgorithms
{
    private static readonly Dictionary<string, ConvolutionAlgorithm> s_names =
        Enum.GetValues<ConvolutionAlgorithm>().ToDictionary(Name, StringComparer.Ordinal);

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_names.Keys];

    /// <summary>The name of one.</summary>
    public static string Name(ConvolutionAlgorithm algorithm) => algorithm.ToString().ToLowerInvariant();

    /// <summary>The algorithm of a name.</summary>
    /// <exception cref="ConfigurationException">There is none of that name.</exception>
    public static ConvolutionAlgorithm Parse(string name) =>
        s_names.TryGetValue(name, out ConvolutionAlgorithm algorithm)
            ? algorithm
            : throw new ConfigurationException(
                $"--conv {name}: no algorithm is called that.", $"Allowed are {string.Join(", ", Names)}.");
}
