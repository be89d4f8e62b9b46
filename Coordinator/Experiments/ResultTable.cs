using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Distributed.Coordinator.Experiments;

/// <summary>A column of a table.</summary>
/// <param name="Key">Name in JSON.</param>
/// <param name="Title">Heading, with the unit.</param>
/// <param name="Format">For numbers; null for texts.</param>
internal sealed record Column(string Key, string Title, string? Format = null);

/// <summary>A table for people (Markdown that also reads well on a terminal) and for programs (JSON).</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Columns">From left to right.</param>
/// <param name="Rows">A value for each column: a text, a number, or null where there is none.</param>
/// <param name="Notes">Sentences below it.</param>
internal sealed record ResultTable(
    string Title,
    IReadOnlyList<Column> Columns,
    IReadOnlyList<IReadOnlyList<object?>> Rows,
    IReadOnlyList<string> Notes)
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Several tables as one Markdown text.</summary>
    public static string ToMarkdown(IEnumerable<ResultTable> tables) =>
        string.Join('\n', tables.Select(table => table.ToMarkdown()));

    /// <summary>Several tables as one JSON text: an array of objects with title, rows and notes.</summary>
    public static string ToJson(IEnumerable<ResultTable> tables) =>
        new JsonArray([.. tables.Select(table => table.ToJsonObject())]).ToJsonString(s_indented) + "\n";

    /// <summary>A heading, the table with its columns aligned, and the notes.</summary>
    public string ToMarkdown()
    {
        string[][] cells = [.. Rows.Select(row => row.Select(Text).ToArray())];
        int[] widths = [.. Columns.Select((column, i) =>
            Math.Max(3, cells.Select(row => row[i].Length).Append(column.Title.Length).Max()))];
        StringBuilder text = new($"## {Title}\n\n");
        AppendRow([.. Columns.Select(column => column.Title)]);
        text.Append('|').AppendJoin('|', Columns.Select((column, i) => column.Format is null
            ? $" {new string('-', widths[i])} "
            : $" {new string('-', widths[i] - 1)}: ")).Append("|\n");
        foreach (string[] row in cells)
        {
            AppendRow(row);
        }

        foreach (string note in Notes)
        {
            text.Append($"\n{note}\n");
        }

        return text.ToString();

        void AppendRow(string[] row) => text.Append('|').AppendJoin('|', row.Select((cell, i) =>
            Columns[i].Format is null ? $" {cell.PadRight(widths[i])} " : $" {cell.PadLeft(widths[i])} "))
            .Append("|\n");
    }

    private string Text(object? value, int column) => value switch
    {
        null => "-",
        double number when !double.IsFinite(number) => double.IsNaN(number) ? "NaN" : "infinite",
        IFormattable number => number.ToString(Columns[column].Format, CultureInfo.InvariantCulture),
        _ => value.ToString()!.Replace("|", "\\|", StringComparison.Ordinal),
    };

    private JsonObject ToJsonObject() => new()
    {
        ["title"] = Title,
        ["rows"] = new JsonArray([.. Rows.Select(row => (JsonNode)new JsonObject(
            row.Select((value, i) => KeyValuePair.Create(Columns[i].Key, (JsonNode?)ToNode(value)))))]),
        ["notes"] = new JsonArray([.. Notes.Select(note => (JsonNode)note)]),
    };

    private static JsonValue? ToNode(object? value) => value switch
    {
        null => null,
        double number => double.IsFinite(number) ? JsonValue.Create(number) : null,
        int number => JsonValue.Create(number),
        long number => JsonValue.Create(number),
        _ => JsonValue.Create(value.ToString()),
    };
}
