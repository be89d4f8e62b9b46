using System.Globalization;

namespace Distributed.Framework.Errors;

/// <summary>The words for a number out of range: whose it is, its name, its value and what is allowed.</summary>
internal static class AllowedRange
{
    /// <summary>Refuses a number unless it is allowed; nothing is allocated if it is.</summary>
    /// <param name="owner">Whose argument it is, for the message; null if that is plain.</param>
    /// <param name="argument">Its name.</param>
    /// <param name="value">The number.</param>
    /// <param name="isAllowed">Whether it is within its range; false for NaN.</param>
    /// <param name="allowed">The range in words.</param>
    /// <exception cref="ConfigurationException">It is not allowed.</exception>
    public static void Require(string? owner, string argument, double value, bool isAllowed, string allowed)
    {
        if (!isAllowed)
        {
            string subject = owner is null ? $"The {argument}" : $"{owner}: {argument}";
            throw new ConfigurationException(
                string.Create(CultureInfo.InvariantCulture, $"{subject} is {value}; allowed is {allowed}."),
                "Give a value within that range.");
        }
    }
}
