namespace Distributed.Framework.Kernels;

/// <content>Updates with other state than a velocity or two means.</content>
internal abstract unsafe partial class KernelSet
{
    /// <inheritdoc cref="Updates{TVector}.AdaGrad"/>
    public abstract void AdaGrad(
        float* old, float* sum, float count, float* squares, float* target, int length, in AdaGradStep step);
}

/// <content>Updates with other state than a velocity or two means.</content>
internal sealed unsafe partial class KernelSet<TVector>
{
    public override void AdaGrad(
        float* old, float* sum, float count, float* squares, float* target, int length, in AdaGradStep step) =>
        Updates<TVector>.AdaGrad(old, sum, count, squares, target, length, step);
}
