using Distributed.Framework.Layers;

namespace Distributed.Framework.Models;

/// <summary>Fully connected networks.</summary>
internal static class PerceptronModels
{
    /// <summary>Two inputs, three hidden layers of 25, two outputs: 1,427 parameters.</summary>
    /// <remarks>LeakyReLU has the slope 0.05, as in the report that the network comes from.</remarks>
    public static Sequential Disc(int images, ModelOverrides overrides)
    {
        // The points of the plane, whatever the images: others are refused by shape.
        _ = images;
        int hidden = overrides.Int("hidden", 25, 1, 4096);
        string activation = overrides.WordOf("activation", "relu", "tanh", "leaky-relu");
        return new Sequential(
            new Linear(2, hidden),
            Activation(),
            new Linear(hidden, hidden),
            Activation(),
            new Linear(hidden, hidden),
            Activation(),
            new Linear(hidden, 2));

        Layer Activation() => DenoiserModels.Activation(activation, 0.05);
    }
}
