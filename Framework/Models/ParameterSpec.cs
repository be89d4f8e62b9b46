namespace Distributed.Framework.Models;

/// <summary>One learned tensor of a model and its place in the flat buffer.</summary>
/// <param name="Name">PyTorch's dotted index path: <c>2.0.weight</c>.</param>
/// <param name="Shape">PyTorch's layout: [Out, In, K, K] for convolutions, [In, Out, K, K] for transposed ones, [Out, In] for Linear.</param>
/// <param name="Start">Index of its first element in the flat buffer.</param>
/// <param name="FanIn">What PyTorch's default initialization divides by.</param>
public sealed record ParameterSpec(string Name, IReadOnlyList<int> Shape, int Start, int FanIn)
{
    /// <summary>
    /// What every element begins with whatever the initializer (1 and 0 for a normalization's weight and bias); null if
    /// the initializer decides.
    /// </summary>
    public float? Constant { get; init; }

    /// <summary>Number of elements.</summary>
    public int Count => Shape.Aggregate(1, (product, side) => checked(product * side));
}
