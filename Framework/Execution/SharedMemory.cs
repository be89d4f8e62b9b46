using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>
/// Where activations of inference, and gradients of activations, lie: those that are never needed at once share memory.
/// </summary>
/// <remarks>
/// An activation is needed from the operation that computes it to the last that reads it, its gradient from the
/// operation that writes it first in the backward pass to the one that computed the activation. The largest are placed
/// first, each at the lowest place that is free all that time. What was there before leaves the border dirty, so the
/// first operation clears it. Training needs all activations to the end. The output is the caller's, and so are the
/// input and its gradient if that is wanted: they lie apart.
/// </remarks>
internal static class SharedMemory
{
    /// <summary>Places all activations for inference but the callers', as far as one buffer holds them.</summary>
    /// <returns>Floats for each image of a pass.</returns>
    public static long PlaceActivations(
        IReadOnlyList<Operation> operations, ActivationNode input, ActivationNode output, int imagesPerPass)
    {
        Dictionary<ActivationNode, (int From, int To)> needed = [];
        for (int i = 0; i < operations.Count; i++)
        {
            foreach (ActivationNode node in operations[i].Reads.Append(operations[i].Output))
            {
                Touch(needed, node.Root, i);
            }
        }

        needed.Remove(input.Root);
        needed.Remove(output.Root);
        return Place(needed, imagesPerPass, (root, start) =>
        {
            root.ActivationStart = start;
            Operation first = operations[needed[root].From];
            first.BordersFirst = [.. first.BordersFirst, root];
        });
    }

    /// <summary>Places all gradients but the callers', as far as one buffer holds them.</summary>
    /// <returns>Floats for each image of a pass.</returns>
    public static long PlaceGradients(
        IReadOnlyList<Operation> operations, ActivationNode input, ActivationNode output, int imagesPerPass)
    {
        Dictionary<ActivationNode, (int From, int To)> needed = [];
        for (int i = 0; i < operations.Count; i++)
        {
            Operation operation = operations[i];
            if (operation.Output.Root.NeedsGradient)
            {
                Touch(needed, operation.Output.Root, i);
            }

            if (operation.InputGradient != GradientMode.Skip)
            {
                Touch(needed, operation.Input.Root, i);
            }
        }

        needed.Remove(output.Root);
        if (input.NeedsGradient)
        {
            needed.Remove(input.Root);
        }

        return Place(needed, imagesPerPass, (root, start) =>
        {
            root.GradientStart = start;
            Operation first = operations[needed[root].To];
            first.GradientBordersFirst = [.. first.GradientBordersFirst, root];
        });
    }

    private static void Touch(Dictionary<ActivationNode, (int From, int To)> needed, ActivationNode root, int i) =>
        needed[root] = (needed.TryGetValue(root, out (int From, int To) before) ? before.From : i, i);

    private static long Place(
        Dictionary<ActivationNode, (int From, int To)> needed, int imagesPerPass, Action<ActivationNode, long> place)
    {
        List<(ActivationNode Root, long Start)> placed = [];
        foreach (ActivationNode root in needed.Keys.OrderByDescending(root => root.ImageFloats))
        {
            (int from, int to) = needed[root];
            long start = LowestFree(
                root.ImageFloats,
                placed.Where(other => needed[other.Root].From <= to && needed[other.Root].To >= from));
            if (checked((start + root.ImageFloats) * imagesPerPass) <= AlignedBuffer.LengthMax)
            {
                placed.Add((root, start));
                place(root, start);
            }
        }

        return placed.Select(each => each.Start + each.Root.ImageFloats).DefaultIfEmpty().Max();
    }

    private static long LowestFree(long floats, IEnumerable<(ActivationNode Root, long Start)> taken)
    {
        long start = 0;
        foreach ((ActivationNode other, long otherStart) in taken.OrderBy(other => other.Start))
        {
            if (otherStart >= start + floats)
            {
                break;
            }

            start = Math.Max(start, otherStart + other.ImageFloats);
        }

        return start;
    }
}
