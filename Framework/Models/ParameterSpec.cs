using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>What a learned tensor does, which decides how it may be initialized.</summary>
public enum ParameterKind
{
    /// <summary>Multiplies what comes in: of a convolution or a linear layer.</summary>
    Weight,

    /// <summary>Is added to what goes out of such a layer.</summary>
    Bias,

    /// <summary>Multiplies normalized values, and starts at 1 under every scheme.</summary>
    Scale,

    /// <summary>Is added to normalized values, and starts at 0 under every scheme.</summary>
    Shift,
}

/// <summary>One learned tensor of a model and its place in the flat buffer.</summary>
/// <param name="Name">PyTorch's dotted index path: <c>2.0.weight</c>.</param>
/// <param name="Shape">
/// PyTorch's layout: [Out, In, K, K] for convolutions, [In, Out, K, K] for transposed ones, [Out, In] for Linear.
/// </param>
/// <param name="Start">Index of its first element in the flat buffer.</param>
/// <param name="FanIn">What PyTorch's default initialization divides by.</param>
public sealed record ParameterSpec(string Name, IReadOnlyList<int> Shape, int Start, int FanIn)
{
    /// <summary>What it does.</summary>
    public ParameterKind Kind { get; init; }

    /// <summary>
    /// Values that depend on one input, as PyTorch counts them: of the weight, its first dimension times its kernel.
    /// </summary>
    public int FanOut { get; init; } = 1;

    /// <summary>The activation that follows its layer; null if none does.</summary>
    public Activation? Follower { get; init; }

    /// <summary>Number of elements.</summary>
    public int Count => Shape.Aggregate(1, (product, side) => checked(product * side));
}
