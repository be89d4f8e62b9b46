using System.Runtime.CompilerServices;
using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>Runs where kernels find them, cut in blocks whose weights fit the first-level cache.</summary>
internal sealed unsafe class RunTable
{
    /// <summary>Weights of a block of runs, times 16 floats, should fit the first-level cache.</summary>
    private const int BlockDepthMax = 384;

    private readonly Run[] _runs;
    private readonly int[] _blocks;

    public RunTable(IEnumerable<Run> source)
    {
        List<Run> runs = [];
        foreach (Run run in source)
        {
            for (int i = 0; i < run.Count; i += BlockDepthMax)
            {
                runs.Add(new Run(run.Offset + i, Math.Min(BlockDepthMax, run.Count - i)));
            }
        }

        Depth = runs.Sum(run => run.Count);
        _runs = GC.AllocateUninitializedArray<Run>(Math.Max(1, runs.Count), pinned: true);
        runs.CopyTo(_runs);
        Runs = (Run*)Unsafe.AsPointer(ref _runs[0]);
        List<int> blocks = CutInBlocks(runs);
        BlockCount = blocks.Count;
        _blocks = GC.AllocateUninitializedArray<int>(BlockCount, pinned: true);
        blocks.CopyTo(_blocks);
        Blocks = (int*)Unsafe.AsPointer(ref _blocks[0]);
    }

    /// <summary>Floats of all runs.</summary>
    public int Depth { get; }

    public Run* Runs { get; }

    /// <summary>Run counts of the blocks.</summary>
    public int* Blocks { get; }

    public int BlockCount { get; }

    /// <summary>Run counts of the blocks: one at least, even if empty, so that every output gets written.</summary>
    private static List<int> CutInBlocks(List<Run> runs)
    {
        List<int> blocks = [0];
        int depth = 0;
        foreach (Run run in runs)
        {
            if (blocks[^1] > 0 && depth + run.Count > BlockDepthMax)
            {
                blocks.Add(0);
                depth = 0;
            }

            blocks[^1]++;
            depth += run.Count;
        }

        return blocks;
    }
}
