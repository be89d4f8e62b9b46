namespace Distributed.Coordinator.Runs;

/// <summary>Names of folders, of what people typed.</summary>
internal static class FolderName
{
    private const int LengthMax = 100;
    private const int HeadLength = 90;

    /// <summary>What any system allows of a text, in at most 100 characters; long ones end in a hash.</summary>
    public static string Of(string text)
    {
        char[] kept = [.. text.Select(character =>
            char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or '=' or ',' ? character : '-')];
        string name = new string(kept).Trim('-', '.');
        return name.Length is > 0 and <= LengthMax
            ? name
            : $"{name[..Math.Min(name.Length, HeadLength)]}-{Fold(text):x8}";
    }

    /// <summary>A model's name without its folder, ending and overrides.</summary>
    public static string OfModel(string model)
    {
        string name = Path.GetFileName(model.Split(':')[0].TrimEnd('/', '\\'));
        name = name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? name[..^".json".Length] : name;
        return name.Length == 0 ? "model" : Of(name);
    }

    /// <summary>FNV-1a: tells long names apart whose beginnings are equal.</summary>
    private static uint Fold(string text) =>
        text.Aggregate(2166136261u, (hash, character) => unchecked((hash ^ character) * 16777619u));
}
