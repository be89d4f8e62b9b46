using System.Globalization;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Models;

/// <summary>The settings of a catalogue model, <c>NAME:key=value,key=value</c>, as its builder asks for them.</summary>
/// <remarks>What the builder asks for is also what is allowed: anything else is refused, with that list.</remarks>
internal sealed class ModelOverrides
{
    private readonly string _specification;
    private readonly string _name;
    private readonly List<string> _faults = [];
    private readonly List<string> _allowed = [];
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>Takes a specification apart.</summary>
    public ModelOverrides(string specification)
    {
        _specification = specification;
        string[] parts = specification.Split(':', 2);
        _name = parts[0];
        foreach (string setting in parts.Length < 2 ? [] : parts[1].Split(','))
        {
            string[] pair = setting.Split('=', 2);
            if (pair.Length < 2 || !_values.TryAdd(pair[0], pair[1]))
            {
                _faults.Add(setting);
            }
        }
    }

    /// <summary>A whole number.</summary>
    public int Int(string key, int otherwise, int min, int max)
    {
        _allowed.Add($"{key}=N with N from {min} to {max}");
        return Take(key) is not { } text ? otherwise
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
                && value >= min && value <= max ? value
            : Refuse(key, text, otherwise);
    }

    /// <summary>One of a few numbers; the first is the default.</summary>
    public int IntOf(string key, params int[] choices)
    {
        _allowed.Add($"{key}={string.Join('|', choices)}");
        return Take(key) is not { } text ? choices[0]
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
                && choices.Contains(value) ? value
            : Refuse(key, text, choices[0]);
    }

    /// <summary>One of a few words; the first is the default.</summary>
    public string WordOf(string key, params string[] choices)
    {
        _allowed.Add($"{key}={string.Join('|', choices)}");
        return Take(key) is not { } text ? choices[0]
            : choices.Contains(text, StringComparer.Ordinal) ? text
            : Refuse(key, text, choices[0]);
    }

    /// <summary>Throws if there is a setting that nobody asked for, or that was out of range.</summary>
    /// <exception cref="ConfigurationException">The first such setting, and all that are allowed.</exception>
    public void CheckAllTaken()
    {
        string[] wrong = [.. _faults, .. _values.Select(pair => $"{pair.Key}={pair.Value}")];
        if (wrong.Length > 0)
        {
            throw new ConfigurationException(
                $"--model {_specification}: '{wrong[0]}' is not an override of {_name}.",
                $"Allowed is {string.Join("; ", _allowed)}; several are separated by commas.");
        }
    }

    private string? Take(string key) => _values.Remove(key, out string? text) ? text : null;

    private T Refuse<T>(string key, string text, T otherwise)
    {
        _faults.Add($"{key}={text}");
        return otherwise;
    }
}
