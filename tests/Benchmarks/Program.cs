using Distributed.Benchmarks.Kernels;
using Distributed.Framework.Models;

namespace Distributed.Benchmarks;

/// <summary>
/// Trains with this project and with PyTorch in turn, and prints the ratios; or measures every kernel alone.
/// </summary>
/// <remarks>
/// Ours is the public way: the programs themselves, their data, their actors, their optimizer. Alternating runs in one
/// go, so that a drifting clock or a busy neighbour meets both.
/// </remarks>
internal static class Program
{
    private const int Rounds = 5;

    private static readonly string[] s_tables = ["step", "layer", "picture", "link"];

    /// <summary>
    /// Arguments: kernel and a part of a name; or tables, models, a number of rounds, all of it if there are none.
    /// </summary>
    private static int Main(string[] arguments)
    {
        if (arguments is ["kernel"] or ["kernel", _])
        {
            return KernelTable.Write(filter: arguments.Length == 1 ? "" : arguments[1]);
        }

        int rounds = Rounds;
        if (arguments is ["channel"] || (arguments is ["channel", { } count] && TryParseRounds(count, out rounds)))
        {
            ChannelTable.Write(rounds);
            return 0;
        }

        if (arguments is ["workers", string most] && int.TryParse(most, out int workers) && workers > 0)
        {
            WorkersTable.Write(workers);
            return 0;
        }

        string[] tables = [.. arguments.Intersect(s_tables)];
        string[] models = [.. arguments.Where(argument => Catalogue.Find(argument, 3) is not null)];
        string[] rest = [.. arguments.Except(tables).Except(models)];
        if (rest.Length > 1 || (rest.Length == 1 && !TryParseRounds(rest[0], out rounds)))
        {
            Console.Error.WriteLine($"Use: Benchmarks [{string.Join("] [", s_tables)}] [MODEL ...] [ROUNDS]");
            Console.Error.WriteLine("Or:  Benchmarks channel [ROUNDS]");
            Console.Error.WriteLine("Or:  Benchmarks workers N");
            Console.Error.WriteLine("Or:  Benchmarks kernel [PART OF A NAME]");
            return 2;
        }

        bool hasRival = Rival.IsThere();
        if (!hasRival)
        {
            Console.WriteLine($"PyTorch is missing ({Rival.Python} -c 'import torch'): ours alone.");
        }

        foreach (string table in tables.Length == 0 ? s_tables : tables)
        {
            switch (table)
            {
                case "step":
                    StepTable.Write(rounds, hasRival, models);
                    break;
                case "layer":
                    LayerTable.Write(rounds, hasRival);
                    break;
                case "picture":
                    InferenceTable.Write(rounds, hasRival, models);
                    break;
                default:
                    LinkTable.Write(rounds, hasRival);
                    break;
            }

            Console.WriteLine();
        }

        return 0;
    }

    private static bool TryParseRounds(string text, out int rounds) => int.TryParse(text, out rounds) && rounds > 0;
}
