namespace Distributed.Framework.Execution;

/// <summary>Where gradients of a plan's activations lie: those that are never needed at once share memory.</summary>
/// <remarks>
/// A gradient is needed from the operation that writes it first in the backward pass to the one that computed the
/// activation. The largest are placed first, each at the lowest place that is free all that time. What was there
/// before leaves the border dirty, so the first operation clears it. The gradients of the plan's input and output are
/// the caller's: theirs is never shared.
/// </remarks>
internal static class GradientMemory
{
    /// <summary>Places all gradients but the callers'.</summary>
    /// <returns>Floats for each image of a pass.</returns>
    public static long Place(IReadOnlyList<Operation> operations, params ActivationNode[] callers)
    {
        Dictionary<ActivationNode, (int First, int Last)> needed = Needed(operations);
        List<ActivationNode> placed = [];
        foreach (ActivationNode root in needed.Keys
            .Where(root => root.NeedsGradient && !callers.Any(node => node.Root == root))
            .OrderByDescending(root => root.ImageFloats))
        {
            (int first, int last) = needed[root];
            root.SharesGradient = true;
            operations[first].BordersFirst = [.. operations[first].BordersFirst, root];
            root.GradientStart = LowestFree(
                root.ImageFloats,
                placed.Where(other => needed[other].First >= last && needed[other].Last <= first));
            placed.Add(root);
        }

        return placed.Select(root => checked(root.GradientStart + root.ImageFloats)).DefaultIfEmpty().Max();
    }

    /// <summary>For each root the highest and lowest index of the operations that touch its gradient.</summary>
    private static Dictionary<ActivationNode, (int First, int Last)> Needed(IReadOnlyList<Operation> operations)
    {
        Dictionary<ActivationNode, (int First, int Last)> needed = [];
        for (int i = 0; i < operations.Count; i++)
        {
            foreach (ActivationNode node in new[] { operations[i].Input, operations[i].Output })
            {
                int last = needed.TryGetValue(node.Root, out (int First, int Last) before) ? before.Last : i;
                needed[node.Root] = (i, last);
            }
        }

        return needed;
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
