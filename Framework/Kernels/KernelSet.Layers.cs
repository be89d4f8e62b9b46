namespace Distributed.Framework.Kernels;

/// <content>Kernels of pooling, upsampling, normalization and dropout.</content>
internal abstract unsafe partial class KernelSet
{
    /// <inheritdoc cref="Elementwise{TVector}.AddLines"/>
    public abstract void AddLines(in SumLine line);

    /// <inheritdoc cref="MaxPooling{TVector}.Forward"/>
    public abstract void MaxPool(in PoolingLine line);

    /// <inheritdoc cref="MaxPooling{TVector}.Backward"/>
    public abstract void MaxPoolBackward(in PoolingLine line);

    /// <inheritdoc cref="NearestUpsampling{TVector}.Forward"/>
    public abstract void Upsample(in UpsamplingLine line);

    /// <inheritdoc cref="NearestUpsampling{TVector}.Backward"/>
    public abstract void UpsampleBackward(in UpsamplingLine line);

    /// <inheritdoc cref="Normalization{TVector}.AddSquares"/>
    public abstract void AddSquares(
        float* source, nint pixel, int pixels, int channels, float* mean, float* sums);

    /// <inheritdoc cref="Normalization{TVector}.Forward"/>
    public abstract void Normalize(in NormalizationLine line);

    /// <inheritdoc cref="Normalization{TVector}.AddProducts"/>
    public abstract void AddNormalizationProducts(in NormalizationLine line);

    /// <inheritdoc cref="Normalization{TVector}.Backward"/>
    public abstract void NormalizeBackward(in NormalizationLine line);
}

/// <content>Kernels of pooling, upsampling, normalization and dropout.</content>
internal sealed unsafe partial class KernelSet<TVector>
{
    public override void AddLines(in SumLine line) => Elementwise<TVector>.AddLines(line);

    public override void MaxPool(in PoolingLine line) => MaxPooling<TVector>.Forward(line);

    public override void MaxPoolBackward(in PoolingLine line) => MaxPooling<TVector>.Backward(line);

    public override void Upsample(in UpsamplingLine line) => NearestUpsampling<TVector>.Forward(line);

    public override void UpsampleBackward(in UpsamplingLine line) => NearestUpsampling<TVector>.Backward(line);

    public override void AddSquares(
        float* source, nint pixel, int pixels, int channels, float* mean, float* sums) =>
        Normalization<TVector>.AddSquares(source, pixel, pixels, channels, mean, sums);

    public override void Normalize(in NormalizationLine line) => Normalization<TVector>.Forward(line);

    public override void AddNormalizationProducts(in NormalizationLine line) =>
        Normalization<TVector>.AddProducts(line);

    public override void NormalizeBackward(in NormalizationLine line) => Normalization<TVector>.Backward(line);
}
