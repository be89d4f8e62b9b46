namespace Distributed.Framework.Kernels;

/// <content>Updates with other state than a velocity or two means.</content>
internal abstract unsafe partial class KernelSet
{
    /// <inheritdoc cref="Updates{TVector}.AdaGrad"/>
    public abstract void AdaGrad(
        float* old, float* sum, float count, float* squares, float* target, int length, in AdaGradStep step);

    /// <inheritdoc cref="Updates{TVector}.Average"/>
    public abstract void Average(float* values, float* average, int length, float share);
}

/// <content>Updates with other state than a velocity or two means.</content>
internal sealed unsafe partial class KernelSet<TVector>
{
    public override void AdaGrad(
        float* old, float* sum, float count, float* squares, float* target, int length, in AdaGradStep step) =>
        Updates<TVector>.AdaGrad(old, sum, count, squares, target, length, step);

    public override void Average(float* values, float* average, int length, float share) =>
        Updates<TVector>.Average(values, average, length, share);
}
