using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data.NoiseModels;
using Distributed.Framework.Errors;
using Distributed.Protocol;
using HostPort = Distributed.Protocol.Cluster.HostPort;
using ListenAddress = Distributed.Protocol.Cluster.ListenAddress;

namespace Distributed.Coordinator.Commands;

/// <summary>Options that take what they say they take; faults name the option, its value and its range.</summary>
internal static class StrictOptions
{
    /// <summary>A switch without a value.</summary>
    public static Option<bool> Flag(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.Zero };

    /// <summary>Any text but the empty one.</summary>
    public static Option<string?> Text(string name, string value, string description) => Parsed(
        name, value, description, text => string.IsNullOrWhiteSpace(text) ? null : text, "a text that is not empty");

    /// <summary>One of a few words.</summary>
    public static Option<string?> OneOf(string name, IEnumerable<string> words, string description)
    {
        string[] all = [.. words];
        return Parsed(name, string.Join('|', all), description, Find, string.Join(" or ", all));

        string? Find(string text) => all.Contains(text) ? text : null;
    }

    /// <summary>A whole number from min to max.</summary>
    public static Option<int?> WholeNumber(string name, string description, int min, int max = int.MaxValue) =>
        Parsed<int?>(name, "N", description, text => ParseWholeNumber(text, min, max), RangeText(min, max));

    /// <summary>A whole number from 0 to 2^32 - 1.</summary>
    public static Option<uint?> Seed(string name, string description) => Parsed<uint?>(
        name,
        "N",
        description,
        text => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint value) ? value : null,
        "a whole number from 0 to 4294967295");

    /// <summary>A finite number with a condition.</summary>
    public static Option<double?> Number(string name, string description, Func<double, bool> holds, string allowed) =>
        Parsed<double?>(
            name,
            "X",
            description,
            text => ParseNumber(text) is { } value && holds(value) ? value : null,
            allowed);

    /// <summary>Two finite numbers with a condition on both.</summary>
    public static Option<(double First, double Second)?> Two(
        string name, string value, char separator, string description, Func<double, double, bool> hold, string allowed)
    {
        return Parsed<(double, double)?>(name, value, description, Parse, allowed);

        (double, double)? Parse(string text)
        {
            string[] parts = text.Split(separator);
            return parts.Length == 2 && ParseNumber(parts[0]) is { } first && ParseNumber(parts[1]) is { } second
                && hold(first, second) ? (first, second) : null;
        }
    }

    /// <summary>The name of a noise model that exists, with its parameter.</summary>
    public static Option<string?> Noise(string name, string description) =>
        Checked(name, "MODEL", description, text => NoiseModel.Parse(text));

    /// <summary>A text that something else reads; it throws a ConfigurationException for what it cannot.</summary>
    public static Option<string?> Checked(string name, string value, string description, Action<string> read)
    {
        Option<string?> option = Text(name, value, description);
        option.Validators.Add(result =>
        {
            try
            {
                if (result.Tokens is [Token token] && token.Value.Length > 0)
                {
                    read(token.Value);
                }
            }
            catch (ConfigurationException exception)
            {
                result.AddError($"{exception.CommandLine.Cause} {exception.CommandLine.Remedy}");
            }
        });
        return option;
    }

    /// <summary>HOST:PORT.</summary>
    public static Option<ListenAddress?> Address(string name, string description) => Parsed(
        name, "HOST:PORT", description, ListenAddress.Parse,
        "an IP address of this machine, localhost or *, and a port, as in 0.0.0.0:5500");

    /// <summary>HOST:PORT of any machine.</summary>
    public static Option<HostPort?> HostAndPort(string name, string description) => Parsed(
        name, "HOST:PORT", description, HostPort.Parse, "a name or an IP address, and a port");

    /// <summary>HOST:PORT, or several with commas between them.</summary>
    public static Option<HostPort[]?> HostsAndPorts(string name, string description) => Parsed(
        name, "HOST:PORT[,HOST:PORT]", description, HostPort.ParseList, "HOST:PORT, or several with commas between");

    /// <summary>A time such as 30s, 10m or 2h, or 0.</summary>
    public static Option<TimeSpan?> Time(string name, string description) => Parsed<TimeSpan?>(
        name, "TIME", description, TimeText.Parse, "0, or a time such as 30s, 10m or 2h");

    /// <summary><c>--resume</c>, alone or as <c>--resume=auto</c>.</summary>
    public static Option<Resumption?> Resume(string description) => new("--resume")
    {
        HelpName = "auto",
        Description = description,
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result =>
        {
            switch (result.Tokens)
            {
                case []:
                    return Resumption.Existing;
                case [{ Value: "auto" }]:
                    return Resumption.Auto;
                case var tokens:
                    result.AddError($"--resume {tokens[0].Value}: not allowed; allowed is auto, or nothing.");
                    return null;
            }
        },
    };

    /// <summary>A name of before: not shown, and refused with the name of now.</summary>
    public static Option<string?> Renamed(string before, string now)
    {
        Option<string?> option = new(before) { Hidden = true, Arity = ArgumentArity.ZeroOrOne };
        option.Validators.Add(result => result.AddError($"{before} is called {now} now; it means the same."));
        return option;
    }

    /// <summary>Digits only, within the range; else null.</summary>
    public static int? ParseWholeNumber(string text, int min, int max) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
        && value >= min && value <= max ? value : null;

    /// <summary>What messages call a range.</summary>
    public static string RangeText(int min, int max) => max == int.MaxValue
        ? string.Create(CultureInfo.InvariantCulture, $"a whole number of {min} or more")
        : string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}");

    private static double? ParseNumber(string text) =>
        double.TryParse(
            text,
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture,
            out double value) && double.IsFinite(value) ? value : null;

    private static Option<T> Parsed<T>(
        string name, string value, string description, Func<string, T> parse, string allowed) => new(name)
        {
            HelpName = value,
            Description = description,
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                T parsed = parse(text);
                if (parsed is null)
                {
                    result.AddError($"{name} {text}: not allowed; allowed is {allowed}.");
                }

                return parsed;
            },
        };
}
