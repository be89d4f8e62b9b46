using System.Text;
using Distributed.Protocol.Machines;

namespace Distributed.Protocol.Cluster;

/// <summary>The bytes of questions and answers. They never change: other versions must understand them.</summary>
/// <remarks>
/// Lines of printable ASCII, <c>key=value</c>, each ended by a line feed; an empty line ends; at most 4 KiB. Unknown
/// keys are passed over; what is empty is left out; what has no ASCII is written as question marks.
/// </remarks>
internal static class ProbeText
{
    private const int BytesMax = 4096;
    private const int ValueMax = 1000;

    public static byte[] Write(params (string Key, string? Value)[] fields)
    {
        StringBuilder text = new();
        foreach ((string key, string? value) in fields)
        {
            if (!string.IsNullOrEmpty(value))
            {
                string shown = value[..Math.Min(value.Length, ValueMax)];
                text.Append(key).Append('=').Append([.. shown.Select(c => IsPrintable(c) ? c : '?')]).Append('\n');
            }
        }

        text.Append('\n');
        Invariant.Assert(text.Length <= BytesMax, "A probe has 4 KiB at most.");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>Reads to the empty line; what follows is not asked for.</summary>
    /// <exception cref="IOException">The stream ends before.</exception>
    /// <exception cref="ProtocolException">There is no end within 4 KiB.</exception>
    public static byte[] Read(Stream stream)
    {
        byte[] bytes = new byte[BytesMax];
        int count = 0;
        while (count < BytesMax)
        {
            int read = stream.Read(bytes.AsSpan(count));
            count += read > 0 ? read : throw new EndOfStreamException("The connection was closed.");
            int end = bytes.AsSpan(0, count).IndexOf("\n\n"u8);
            if (end >= 0)
            {
                return bytes[..(end + 1)];
            }
        }

        throw new ProtocolException("A probe has no end.");
    }

    /// <exception cref="ProtocolException">A line is none.</exception>
    public static Dictionary<string, string> Parse(ReadOnlySpan<byte> bytes)
    {
        Dictionary<string, string> fields = [];
        foreach (string line in Encoding.Latin1.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int at = line.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || !line.All(IsPrintable) || !fields.TryAdd(line[..at], line[(at + 1)..]))
            {
                throw new ProtocolException("A probe has a line that is none.");
            }
        }

        return fields;
    }

    public static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>The first value of the enumeration stands for what is unknown here.</summary>
    public static T Find<T>(Dictionary<string, string> fields, string key)
        where T : struct, Enum =>
        Array.Find(Enum.GetValues<T>(), value => Name(value) == fields.GetValueOrDefault(key));

    private static bool IsPrintable(char character) => character is >= ' ' and <= '~';
}
