namespace Distributed.Protocol;

/// <summary>An option that was not typed, but set in the environment or a file.</summary>
/// <param name="Option">Its name, as in <c>--token-file</c>.</param>
/// <param name="Value">Its value; of a switch, true or false.</param>
/// <param name="Origin">Where it is from, for people.</param>
public sealed record GivenSetting(string Option, string Value, string Origin)
{
    private static readonly string[] s_switchWords = ["true", "false"];

    /// <summary>Whether a key, as in <c>TokenFile</c> or <c>TOKENFILE</c>, means an option.</summary>
    public static bool IsKeyOf(string key, string option)
    {
        ArgumentNullException.ThrowIfNull(option);
        return key is not null && option.Replace("-", "", StringComparison.Ordinal)
            .Equals(key, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether it may be the value of a switch.</summary>
    public static bool IsSwitchValue(string value) => s_switchWords.Contains(value, StringComparer.OrdinalIgnoreCase);

    /// <summary>Arguments with those settings that they do not have themselves: what is typed wins.</summary>
    /// <param name="arguments">What was typed.</param>
    /// <param name="settings">What was set.</param>
    /// <param name="isSwitch">Whether an option takes no value.</param>
    public static IReadOnlyList<string> Complete(
        IReadOnlyList<string> arguments, IEnumerable<GivenSetting> settings, Predicate<string> isSwitch)
    {
        ArgumentNullException.ThrowIfNull(isSwitch);
        return
        [
            .. arguments,
            .. settings.Where(setting => !IsTyped(arguments, setting.Option)).SelectMany(setting =>
                !isSwitch(setting.Option) ? [$"{setting.Option}={setting.Value}"]
                : bool.Parse(setting.Value) ? [setting.Option]
                : Array.Empty<string>()),
        ];
    }

    /// <summary>The default that a help text has in brackets at its end; null if it has none.</summary>
    public static string? DefaultOf(string? help)
    {
        int from = help?.LastIndexOf('[') ?? -1;
        return from >= 0 && help!.EndsWith(']') ? help[(from + 1)..^1] : null;
    }

    /// <summary>Whether an option is among the arguments.</summary>
    public static bool IsTyped(IEnumerable<string> arguments, string option) => arguments.Any(argument =>
        argument == option
        || argument.StartsWith(option + "=", StringComparison.Ordinal)
        || argument.StartsWith(option + ":", StringComparison.Ordinal));
}
