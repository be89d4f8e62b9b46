using System.Text;

namespace Distributed.Worker;

/// <summary>Lines for people; one that cannot be written is lost, and costs the worker nothing else.</summary>
/// <remarks>A log on a full disk, or a terminal that was closed, is no reason to stop computing.</remarks>
/// <param name="target">Where lines go; not owned.</param>
internal sealed class LineWriter(TextWriter target) : TextWriter
{
    /// <inheritdoc/>
    public override Encoding Encoding => target.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Try(() => target.Write(value));

    /// <inheritdoc/>
    public override void Write(string? value) => Try(() => target.Write(value));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Try(() => target.WriteLine(value));

    /// <inheritdoc/>
    public override Task WriteLineAsync(string? value)
    {
        WriteLine(value);
        return Task.CompletedTask;
    }

    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException)
        {
            // Nobody can be told.
        }
    }
}
