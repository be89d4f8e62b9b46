using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>Where gradients of a plan's activations lie: those that are never needed at once share memory.</summary>
/// <remarks>
/// A gradient is needed from the operation that writes it first in the backward pass to the one that computed the
/// activation. The largest are placed first, each at the lowest place that is free all that time. What was there
/// before leaves the border dirty, so the first operation clears it. The output's gradient is the caller's, and the
/// input's if it is wanted: they lie apart.
/// </remarks>
internal static class GradientMemory
{
    /// <summary>Places all gradients but the callers', as far as one buffer holds them.</summary>
    /// <returns>Floats for each image of a pass.</returns>
    public static long Place(
        IReadOnlyList<Operation> operations, ActivationNode input, ActivationNode output, int imagesPerPass)
    {
        Dictionary<ActivationNode, (int First, int Last)> needed = Needed(operations);
        needed.Remove(output.Root);
        if (input.NeedsGradient)
        {
            needed.Remove(input.Root);
        }

        List<ActivationNode> placed = [];
        foreach (ActivationNode root in needed.Keys
            .Where(root => root.NeedsGradient)
            .OrderByDescending(root => root.ImageFloats))
        {
            (int first, int last) = needed[root];
            long start = LowestFree(
                root.ImageFloats,
                placed.Where(other => needed[other].First >= last && needed[other].Last <= first));
            if (checked((start + root.ImageFloats) * imagesPerPass) <= AlignedBuffer.LengthMax)
            {
                root.SharesGradient = true;
                root.GradientStart = start;
                operations[first].BordersFirst = [.. operations[first].BordersFirst, root];
                placed.Add(root);
            }
        }

        return placed.Select(root => root.GradientStart + root.ImageFloats).DefaultIfEmpty().Max();
    }

    /// <summary>For each root the highest and lowest index of the operations that touch its gradient.</summary>
    private static Dictionary<ActivationNode, (int First, int Last)> Needed(IReadOnlyList<Operation> operations)
    {
        Dictionary<ActivationNode, (int First, int Last)> needed = [];
        for (int i = 0; i < operations.Count; i++)
        {
            Operation operation = operations[i];
            Touch(operation.Output.Root, i);
            if (operation.InputGradient != GradientMode.Skip)
            {
                Touch(operation.Input.Root, i);
            }
        }

        return needed;

        void Touch(ActivationNode root, int i) =>
            needed[root] = (i, needed.TryGetValue(root, out (int First, int Last) before) ? before.Last : i);
    }

    private static long LowestFree(long floats, IEnumerable<ActivationNode> taken)
    {
        long start = 0;
        foreach (ActivationNode other in taken.OrderBy(other => other.GradientStart))
        {
            if (other.GradientStart >= start + floats)
            {
                break;
            }

            start = Math.Max(start, other.GradientStart + other.ImageFloats);
        }

        return start;
    }
}
