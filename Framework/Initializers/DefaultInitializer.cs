using Distributed.Framework.Models;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Initializers;

/// <summary>PyTorch's default: weights and biases from U(-k, k) with k = 1 / sqrt(fan-in).</summary>
/// <remarks>
/// Kaiming's uniform rule with a = sqrt(5) comes to the same bound. A function of (seed, parameter, element).
/// Source: torch.nn.Conv2d.reset_parameters, PyTorch 1.13.
/// </remarks>
public static class DefaultInitializer
{
    /// <summary>Fills the flat parameters of a model; buffers behind them stay as they are.</summary>
    public static void Fill(Model model, uint seed, Span<float> parameters)
    {
        Philox random = new(seed, RandomPurpose.Initialization);
        for (int index = 0; index < model.Parameters.Count; index++)
        {
            ParameterSpec parameter = model.Parameters[index];
            Span<float> values = parameters.Slice(parameter.Start, parameter.Count);
            if (parameter.Constant is { } constant)
            {
                values.Fill(constant);
                continue;
            }

            float bound = (float)(1 / Math.Sqrt(parameter.FanIn));
            for (int i = 0; i < values.Length; i++)
            {
                RandomBlock block = random.Block(0, 0, (uint)index, (uint)i / 4);
                uint word = (i % 4) switch { 0 => block.Word0, 1 => block.Word1, 2 => block.Word2, _ => block.Word3 };
                values[i] = ((2 * Philox.ToUnitFloat(word)) - 1) * bound;
            }
        }
    }
}
