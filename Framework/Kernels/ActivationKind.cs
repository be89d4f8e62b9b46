namespace Distributed.Framework.Kernels;

/// <summary>The formulas of the elementwise functions whose derivative follows from their result.</summary>
internal enum ActivationFormula
{
    None,
    ReLU,
    Sigmoid,
    Tanh,
    LeakyReLU,
    ELU,
    SELU,
}

/// <summary>An elementwise function: a formula, and its parameter if it has one.</summary>
/// <param name="Formula">Which formula.</param>
/// <param name="Parameter">Slope of LeakyReLU, alpha of ELU, else 0.</param>
internal readonly record struct ActivationKind(ActivationFormula Formula, float Parameter = 0)
{
    public static ActivationKind None => default;

    public static ActivationKind ReLU => new(ActivationFormula.ReLU);

    public static ActivationKind Sigmoid => new(ActivationFormula.Sigmoid);

    public static ActivationKind Tanh => new(ActivationFormula.Tanh);

    public static ActivationKind SELU => new(ActivationFormula.SELU);

    public static ActivationKind LeakyReLU(float slope) => new(ActivationFormula.LeakyReLU, slope);

    public static ActivationKind ELU(float alpha) => new(ActivationFormula.ELU, alpha);
}
