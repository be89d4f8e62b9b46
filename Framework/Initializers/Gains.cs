using Distributed.Framework.Layers;

namespace Distributed.Framework.Initializers;

/// <summary>What keeps the size of signals behind an activation: a factor on the weights before it.</summary>
/// <remarks>As torch.nn.init.calculate_gain; 1 for those that it does not know.</remarks>
public static class Gains
{
    /// <summary>The gain of an activation.</summary>
    public static double Of(Activation activation) => activation switch
    {
        ReLU => Math.Sqrt(2),
        LeakyReLU leaky => Math.Sqrt(2 / (1 + (leaky.NegativeSlope * leaky.NegativeSlope))),
        Tanh => 5.0 / 3,
        SELU => 3.0 / 4,
        _ => 1,
    };
}
