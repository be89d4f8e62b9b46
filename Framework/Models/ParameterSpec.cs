namespace Distributed.Framework.Models;

/// <summary>One learned tensor of a model and its place in the flat buffer.</summary>
/// <param name="Name">PyTorch's dotted index path: <c>2.0.weight</c>.</param>
/// <param name="Shape">PyTorch's layout: [Out, In, K, K] for convolutions, [In, Out, K, K] for transposed ones.</param>
/// <param name="Start">Index of its first element in the flat buffer.</param>
/// <param name="FanIn">What PyTorch's default initialization divides by.</param>
public sealed record ParameterSpec(string Name, IReadOnlyList<int> Shape, int Start, int FanIn)
{
    /// <summary>Number of elements.</summary>
    public int Count => Shape.Aggregate(1, (product, side) => checked(product * side));
}
