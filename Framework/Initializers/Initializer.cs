using System.Globalization;
using Distributed.Framework.Errors;
using Distributed.Framework.Models;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Initializers;

/// <summary>How initial parameters are drawn: a function of (seed, parameter, element), by a scheme.</summary>
/// <remarks>
/// With fan-in n and fan-out m as PyTorch counts them (of a transposed convolution, too: its weight's second and first
/// dimension, each times the kernel) and gain g of the activation that follows:
/// default: U(-1 / sqrt(n), 1 / sqrt(n)), biases too. zero: 0. normal:SIGMA: N(0, SIGMA^2), biases too.
/// xavier-normal[:GAIN]: N(0, 2 g^2 / (n + m)); xavier-uniform[:GAIN]: U within g sqrt(6 / (n + m)); biases too, as in
/// the reports. kaiming-normal: N(0, g^2 / n); kaiming-uniform: U within g sqrt(3 / n); biases 0. Everywhere g is 1
/// where no activation follows. seed004: as xavier-normal, but N(0, 1) where no activation follows, as in the report of
/// that name.
/// Normalizations start at scale 1 and shift 0 under every scheme. Sources: Glorot, Bengio 2010; He et al. 2015.
/// </remarks>
public sealed class Initializer
{
    private enum Rule
    {
        Default,
        Normal,
        XavierNormal,
        XavierUniform,
        Seed004,
        KaimingNormal,
        KaimingUniform,
    }

    private readonly Rule _rule;
    private readonly double? _number;

    private Initializer(Rule rule, double? number = null) => (_rule, _number) = (rule, number);

    /// <summary>What may be written, for messages.</summary>
    public static string Allowed => "default, zero, normal:SIGMA, xavier-normal or xavier-uniform (with :GAIN), "
        + "kaiming-normal, kaiming-uniform, seed004; SIGMA and GAIN above 0";

    /// <summary>Reads a scheme; null is the default one.</summary>
    /// <exception cref="ConfigurationException">It is none, or its number is out of range.</exception>
    public static Initializer Parse(string? scheme)
    {
        string[] parts = (scheme ?? "default").Split(':');
        double? number = parts.Length == 2 ? ParseNumber(parts[1]) : null;
        bool isValid = parts.Length == 1 || (parts.Length == 2 && number is > 0);
        Initializer? initializer = (parts[0], parts.Length) switch
        {
            _ when !isValid => null,
            ("default", 1) => new Initializer(Rule.Default),
            ("zero", 1) => new Initializer(Rule.Normal, 0),
            ("normal", 2) => new Initializer(Rule.Normal, number),
            ("xavier-normal", _) => new Initializer(Rule.XavierNormal, number),
            ("xavier-uniform", _) => new Initializer(Rule.XavierUniform, number),
            ("seed004", 1) => new Initializer(Rule.Seed004),
            ("kaiming-normal", 1) => new Initializer(Rule.KaimingNormal),
            ("kaiming-uniform", 1) => new Initializer(Rule.KaimingUniform),
            _ => null,
        };
        return initializer ?? throw new ConfigurationException(
            $"--init-scheme {scheme}: not a scheme; allowed is {Allowed}.",
            "Write it as in normal:0.02, xavier-normal or kaiming-uniform.");
    }

    /// <summary>Fills the flat parameters of a model.</summary>
    public void Fill(Model model, uint seed, Span<float> parameters)
    {
        Philox random = new(seed, RandomPurpose.Initialization);
        for (int index = 0; index < model.Parameters.Count; index++)
        {
            ParameterSpec parameter = model.Parameters[index];
            FillOne(parameter, random, (uint)index, parameters.Slice(parameter.Start, parameter.Count));
        }
    }

    private void FillOne(ParameterSpec parameter, Philox random, uint index, Span<float> values)
    {
        if (parameter.Kind is ParameterKind.Scale or ParameterKind.Shift)
        {
            values.Fill(parameter.Kind == ParameterKind.Scale ? 1 : 0);
            return;
        }

        bool isKaiming = _rule is Rule.KaimingNormal or Rule.KaimingUniform;
        double? following = parameter.Follower is { } activation ? Gains.Of(activation) : null;
        double gain = _number ?? following ?? 1;
        double fans = (double)parameter.FanIn + parameter.FanOut;
        if (isKaiming && parameter.Kind == ParameterKind.Bias)
        {
            values.Clear();
        }
        else if (_rule == Rule.Seed004 && following is null)
        {
            Normal(random, index, sigma: 1, values);
        }
        else
        {
            switch (_rule)
            {
                case Rule.Default:
                    Uniform(random, index, 1 / Math.Sqrt(parameter.FanIn), values);
                    break;
                case Rule.Normal:
                    Normal(random, index, _number!.Value, values);
                    break;
                case Rule.XavierNormal or Rule.Seed004:
                    Normal(random, index, gain * Math.Sqrt(2 / fans), values);
                    break;
                case Rule.XavierUniform:
                    Uniform(random, index, gain * Math.Sqrt(6 / fans), values);
                    break;
                case Rule.KaimingNormal:
                    Normal(random, index, gain / Math.Sqrt(parameter.FanIn), values);
                    break;
                default:
                    Uniform(random, index, gain * Math.Sqrt(3.0 / parameter.FanIn), values);
                    break;
            }
        }
    }

    private static void Normal(Philox random, uint index, double sigma, Span<float> values)
    {
        Gaussian.Fill(random, 0, 0, index, values);
        for (int i = 0; i < values.Length; i++)
        {
            // Not -0 for a sigma of 0.
            values[i] = (values[i] * (float)sigma) + 0f;
        }
    }

    private static void Uniform(Philox random, uint index, double limit, Span<float> values)
    {
        float bound = (float)limit;
        for (int i = 0; i < values.Length; i++)
        {
            RandomBlock block = random.Block(0, 0, index, (uint)i / 4);
            uint word = (i % 4) switch { 0 => block.Word0, 1 => block.Word1, 2 => block.Word2, _ => block.Word3 };
            values[i] = ((2 * Philox.ToUnitFloat(word)) - 1) * bound;
        }
    }

    private static double? ParseNumber(string text) => double.TryParse(
        text,
        NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
        CultureInfo.InvariantCulture,
        out double value) && double.IsFinite(value) ? value : null;
}
