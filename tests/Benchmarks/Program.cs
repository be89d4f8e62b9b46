namespace Distributed.Benchmarks;

/// <summary>Trains with this project and with PyTorch in turn, and prints the ratios.</summary>
/// <remarks>
/// Ours is the public way: the programs themselves, their data, their actors, their optimizer. Alternating runs in one
/// go, so that a drifting clock or a busy neighbour meets both.
/// </remarks>
internal static class Program
{
    private const int Rounds = 5;

    /// <summary>Arguments: step or link for one table alone; a number of rounds.</summary>
    private static int Main(string[] arguments)
    {
        string[] tables = [.. arguments.Where(argument => argument is "step" or "link")];
        int[] rounds = [.. arguments.Except(tables).Select(argument => int.TryParse(argument, out int n) ? n : 0)];
        if (rounds is not ([] or [> 0]))
        {
            Console.Error.WriteLine("Use: Benchmarks [step] [link] [ROUNDS]");
            return 2;
        }

        bool hasRival = Programs.TryRun(Programs.Python, ["-c", "import torch"], out _);
        if (!hasRival)
        {
            Console.WriteLine($"PyTorch is missing ({Programs.Python} -c 'import torch'): ours alone.");
        }

        int count = rounds.Length > 0 ? rounds[0] : Rounds;
        if (tables.Length == 0 || tables.Contains("step"))
        {
            StepTable.Write(count, hasRival);
        }

        if (tables.Length == 0 || tables.Contains("link"))
        {
            LinkTable.Write(count, hasRival);
        }

        return 0;
    }
}
