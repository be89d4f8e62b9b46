namespace Distributed.Framework.Models;

/// <summary>A running statistic of a model and its place in the flat state, behind the parameters.</summary>
/// <param name="Name">PyTorch's dotted index path: <c>1.running_mean</c>.</param>
/// <param name="Shape">PyTorch's layout.</param>
/// <param name="Start">Index of its first element in the flat state.</param>
/// <param name="InitialValue">Of every element.</param>
/// <param name="Momentum">Share of the new statistic in each step's update.</param>
public sealed record BufferSpec(string Name, IReadOnlyList<int> Shape, int Start, float InitialValue, float Momentum)
{
    /// <summary>Number of elements.</summary>
    public int Count => Shape.Aggregate(1, (product, side) => checked(product * side));
}
