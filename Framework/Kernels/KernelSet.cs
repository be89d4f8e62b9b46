namespace Distributed.Framework.Kernels;

/// <summary>The kernels at one vector width: one virtual call an image line, constants inside.</summary>
internal abstract unsafe partial class KernelSet
{
    /// <summary>The kernels for this process.</summary>
    public static KernelSet Current { get; } = ForBits(VectorWidth.Bits);

    /// <summary>The kernels for vectors of 128, 256 or 512 bits.</summary>
    public static KernelSet ForBits(int bits) => bits switch
    {
        128 => new KernelSet<Vector4>(),
        256 => new KernelSet<Vector8>(),
        512 => new KernelSet<Vector16>(),
        _ => throw new ArgumentOutOfRangeException(nameof(bits), bits, "Vectors have 128, 256 or 512 bits."),
    };

    /// <summary>Floats in a vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>Winograd's transforms F(4 x 4, 3 x 3).</summary>
    public abstract WinogradKernels Winograd4 { get; }

    /// <summary>Winograd's transforms F(2 x 2, 3 x 3).</summary>
    public abstract WinogradKernels Winograd2 { get; }

    /// <inheritdoc cref="DirectConvolution{TVector}.Compute"/>
    public abstract void Convolve(in ConvolutionLine line);

    /// <inheritdoc cref="WeightGradient{TVector}.Accumulate"/>
    public abstract void AccumulateWeightGradient(in WeightGradientImage image);

    /// <inheritdoc cref="Elementwise{TVector}.Forward"/>
    public abstract void Activate(
        ActivationKind kind,
        float* source,
        nint sourcePixel,
        float* target,
        nint targetPixel,
        int pixels,
        int channels);

    /// <inheritdoc cref="Elementwise{TVector}.Backward"/>
    public abstract void ActivateBackward(ActivationKind kind, in BackwardLine line);

    /// <inheritdoc cref="Elementwise{TVector}.AddPixels"/>
    public abstract void AddPixels(float* source, nint pixel, int pixels, int channels, float* sums);

    /// <inheritdoc cref="Elementwise{TVector}.Add"/>
    public abstract void Add(float* source, float* target, int length);

    /// <inheritdoc cref="Finiteness{TVector}.Holds"/>
    public abstract bool AreFinite(float* values, int length);

    /// <inheritdoc cref="Updates{TVector}.Sgd"/>
    public abstract void Sgd(
        float* old, float* sum, float count, float* velocity, float* target, int length, in SgdStep step);

    /// <inheritdoc cref="Updates{TVector}.Adam"/>
    public abstract void Adam(
        float* old, float* sum, float count, float* mean, float* square, float* target, int length, in AdamStep step);
}

/// <summary>The kernels for one vector type.</summary>
internal sealed unsafe partial class KernelSet<TVector> : KernelSet
    where TVector : struct, IVector<TVector>
{
    public override int Lanes => TVector.Lanes;

    public override WinogradKernels Winograd4 { get; } = new WinogradKernels<TVector, WinogradTile4>();

    public override WinogradKernels Winograd2 { get; } = new WinogradKernels<TVector, WinogradTile2>();

    public override void Convolve(in ConvolutionLine line) => DirectConvolution<TVector>.Compute(line);

    public override void AccumulateWeightGradient(in WeightGradientImage image) =>
        WeightGradient<TVector>.Accumulate(image);

    public override void Activate(
        ActivationKind kind,
        float* source,
        nint sourcePixel,
        float* target,
        nint targetPixel,
        int pixels,
        int channels)
    {
        switch (kind.Formula)
        {
            case ActivationFormula.None:
                Forward<Identity>();
                break;
            case ActivationFormula.ReLU:
                Forward<Rectifier>();
                break;
            case ActivationFormula.Sigmoid:
                Forward<Logistic>();
                break;
            case ActivationFormula.Tanh:
                Forward<HyperbolicTangent>();
                break;
            case ActivationFormula.LeakyReLU:
                Forward<LeakyRectifier>();
                break;
            case ActivationFormula.ELU:
                Forward<ExponentialUnit>();
                break;
            case ActivationFormula.SELU:
                Forward<ScaledExponentialUnit>();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such activation.");
        }

        void Forward<TFunction>()
            where TFunction : struct, IActivationFunction => Elementwise<TVector>.Forward<TFunction>(
                source, sourcePixel, target, targetPixel, pixels, channels, kind.Parameter);
    }

    public override void ActivateBackward(ActivationKind kind, in BackwardLine line)
    {
        switch (kind.Formula)
        {
            case ActivationFormula.None:
                Elementwise<TVector>.Backward<Identity>(line, kind.Parameter);
                break;
            case ActivationFormula.ReLU:
                Elementwise<TVector>.Backward<Rectifier>(line, kind.Parameter);
                break;
            case ActivationFormula.Sigmoid:
                Elementwise<TVector>.Backward<Logistic>(line, kind.Parameter);
                break;
            case ActivationFormula.Tanh:
                Elementwise<TVector>.Backward<HyperbolicTangent>(line, kind.Parameter);
                break;
            case ActivationFormula.LeakyReLU:
                Elementwise<TVector>.Backward<LeakyRectifier>(line, kind.Parameter);
                break;
            case ActivationFormula.ELU:
                Elementwise<TVector>.Backward<ExponentialUnit>(line, kind.Parameter);
                break;
            case ActivationFormula.SELU:
                Elementwise<TVector>.Backward<ScaledExponentialUnit>(line, kind.Parameter);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such activation.");
        }
    }

    public override void AddPixels(float* source, nint pixel, int pixels, int channels, float* sums) =>
        Elementwise<TVector>.AddPixels(source, pixel, pixels, channels, sums);

    public override void Add(float* source, float* target, int length) =>
        Elementwise<TVector>.Add(source, target, length);

    public override bool AreFinite(float* values, int length) => Finiteness<TVector>.Holds(values, length);

    public override void Sgd(
        float* old, float* sum, float count, float* velocity, float* target, int length, in SgdStep step) =>
        Updates<TVector>.Sgd(old, sum, count, velocity, target, length, step);

    public override void Adam(
        float* old, float* sum, float count, float* mean, float* square, float* target, int length, in AdamStep step) =>
        Updates<TVector>.Adam(old, sum, count, mean, square, target, length, step);
}
