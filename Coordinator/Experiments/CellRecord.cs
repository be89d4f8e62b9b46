using System.Text.Json;
using System.Text.Json.Serialization;
using Distributed.Framework.Checkpoints;

namespace Distributed.Coordinator.Experiments;

/// <summary>The file that says that a cell is over: <c>cell.json</c> in its folder, written last.</summary>
internal static class CellRecord
{
    private const string FileName = "cell.json";

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        WriteIndented = true,
    };

    /// <summary>What an earlier life of the experiment left; null if the cell is not over, or not the same.</summary>
    /// <param name="folder">The cell's folder.</param>
    /// <param name="cell">As it is wanted now; other options than those of the record make the record void.</param>
    public static CellResult? Read(string folder, Cell cell)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            CellResult? result = JsonSerializer.Deserialize<CellResult>(File.ReadAllText(path), s_json);
            return result is not null && result.Cell.Words.SequenceEqual(cell.Words)
                && (result.Cell.ValidatesEachEpoch || !cell.ValidatesEachEpoch)
                ? result with { Cell = cell, Run = folder }
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it, in one piece.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static void Write(string folder, CellResult result) =>
        AtomicFile.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(result, s_json) + "\n");
}
