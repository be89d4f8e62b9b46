using Distributed.Framework.Checkpoints;

namespace Distributed.Coordinator.Experiments;

/// <summary>A figure as a file.</summary>
/// <param name="Name">File name without <c>.svg</c>.</param>
/// <param name="Svg">The file.</param>
internal sealed record Figure(string Name, string Svg);

/// <summary>What an experiment leaves: tables and figures.</summary>
internal sealed record ExperimentReport(IReadOnlyList<ResultTable> Tables, IReadOnlyList<Figure> Figures)
{
    /// <summary>Writes table.md, table.json and the figures.</summary>
    /// <returns>Their paths.</returns>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public IReadOnlyList<string> Write(string folder)
    {
        List<(string Name, string Text)> files =
        [
            ("table.md", ResultTable.ToMarkdown(Tables)),
            ("table.json", ResultTable.ToJson(Tables)),
            .. Figures.Select(figure => (figure.Name + ".svg", figure.Svg)),
        ];
        foreach ((string name, string text) in files)
        {
            AtomicFile.WriteAllText(Path.Combine(folder, name), text);
        }

        return [.. files.Select(file => Path.Combine(folder, file.Name))];
    }
}
