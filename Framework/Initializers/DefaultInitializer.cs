using Distributed.Framework.Models;

namespace Distributed.Framework.Initializers;

/// <summary>PyTorch's default: weights and biases from U(-k, k) with k = 1 / sqrt(fan-in).</summary>
/// <remarks>
/// Kaiming's uniform rule with a = sqrt(5) comes to the same bound. A function of (seed, parameter, element).
/// Source: torch.nn.Conv2d.reset_parameters, PyTorch 1.13.
/// </remarks>
public static class DefaultInitializer
{
    private static readonly Initializer s_default = Initializer.Parse(null);

    /// <summary>Fills the flat parameters of a model; buffers behind them stay as they are.</summary>
    public static void Fill(Model model, uint seed, Span<float> parameters) => s_default.Fill(model, seed, parameters);
}
