using System.CommandLine;
using System.CommandLine.Parsing;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Commands;

/// <summary>An option of <c>train</c> that decides the result, and what it changes in the configuration.</summary>
/// <param name="Option">What it is called, and what it allows.</param>
/// <param name="Apply">The configuration with what was given; as it was if the option was not.</param>
internal sealed record Setting(Option Option, Func<RunConfiguration, ParseResult, RunConfiguration> Apply)
{
    /// <summary>One with a value.</summary>
    public static Setting Of<T>(Option<T?> option, Func<RunConfiguration, T, RunConfiguration> change)
        where T : class =>
        new(option, (configuration, result) =>
            result.GetValue(option) is { } value ? change(configuration, value) : configuration);

    /// <summary>One with a number, or two.</summary>
    public static Setting Of<T>(Option<T?> option, Func<RunConfiguration, T, RunConfiguration> change)
        where T : struct =>
        new(option, (configuration, result) =>
            result.GetValue(option) is { } value ? change(configuration, value) : configuration);

    /// <summary>A switch.</summary>
    public static Setting Of(Option<bool> option, Func<RunConfiguration, RunConfiguration> change) =>
        new(option, (configuration, result) => result.GetValue(option) ? change(configuration) : configuration);

    /// <summary>Whether an option was given.</summary>
    public static bool IsGiven(CommandResult result, Option option) => result.GetResult(option) is { Implicit: false };
}
