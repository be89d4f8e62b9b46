using System.Globalization;

namespace Distributed.Protocol;

/// <summary>Times as both programs take them in options.</summary>
public static class TimeText
{
    /// <summary>Reads a time such as 30s, 10m or 2h, or 0; null if it is something else.</summary>
    public static TimeSpan? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        double unit = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        return text == "0" ? TimeSpan.Zero
            : unit > 0 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out int count)
                ? TimeSpan.FromSeconds(unit * count)
            : null;
    }
}
