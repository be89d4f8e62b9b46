using Distributed.Framework.Errors;
using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Optimizers;

/// <summary>Turns gradients into new parameters, elementwise over the flat buffers.</summary>
/// <remarks>
/// State lives in slots as long as the parameters, and in scalars; both go into checkpoints. Not synchronized.
/// </remarks>
public abstract unsafe class Optimizer
{
    private readonly List<(string Name, AlignedBuffer Values)> _slots = [];
    private double _clipNorm;

    private protected Optimizer(int parameterCount)
    {
        Check("parameter count", parameterCount, parameterCount >= 0, "0 or more");
        ParameterCount = parameterCount;
    }

    /// <summary>Floats of the flat buffers.</summary>
    public int ParameterCount { get; }

    /// <summary>State that is as long as the parameters, by PyTorch's names.</summary>
    public IReadOnlyList<(string Name, AlignedBuffer Values)> Slots => _slots;

    /// <summary>State that is a number, by name.</summary>
    public virtual IReadOnlyDictionary<string, double> Scalars
    {
        get => new Dictionary<string, double>();
        set
        {
        }
    }

    /// <summary>Longest gradient, as a mean, that is followed as it is; longer ones are shortened. 0 for any.</summary>
    /// <exception cref="ConfigurationException">It is negative or not finite.</exception>
    public double ClipNorm
    {
        get => _clipNorm;
        set
        {
            CheckNotNegative("clip norm", value);
            _clipNorm = value;
        }
    }

    private protected KernelSet Kernels { get; init; } = KernelSet.Current;

    /// <summary>Does one step with the first ParameterCount floats.</summary>
    /// <remarks>
    /// Behind them there may be buffers, of which up to 15 floats of <paramref name="target"/> are spoilt: who has
    /// buffers writes them afterwards.
    /// </remarks>
    /// <param name="old">Parameters before the step; read only.</param>
    /// <param name="gradientSum">Gradient of the summed loss over the whole batch.</param>
    /// <param name="divisor">What the mean divides the sum by; 1 for a sum.</param>
    /// <param name="learningRate">This step's learning rate; at least 0.</param>
    /// <param name="target">Parameters after the step; may be <paramref name="old"/>.</param>
    /// <exception cref="ConfigurationException">The rate is negative or not finite.</exception>
    public void Step(
        AlignedBuffer old, AlignedBuffer gradientSum, double divisor, double learningRate, AlignedBuffer target)
    {
        CheckStep(old, gradientSum, learningRate, target);
        double clipped = _clipNorm > 0
            ? GradientNorm.Clip(gradientSum.Memory[..ParameterCount], divisor, _clipNorm)
            : divisor;
        Begin(learningRate);
        Ranges.Run(ParameterCount, (start, length) => Update(
            old.Pointer + start, gradientSum.Pointer + start, (float)clipped, target.Pointer + start, start, length));

        // Kernels hold bare pointers: what owns the memory must not look unused while they run.
        GC.KeepAlive(this);
        GC.KeepAlive(old);
        GC.KeepAlive(gradientSum);
        GC.KeepAlive(target);
    }

    /// <summary>Prepares the next step, once for all its ranges.</summary>
    private protected abstract void Begin(double learningRate);

    /// <summary>
    /// Does one range of a step: <paramref name="length"/> floats from those pointers on, which in the slots begin at
    /// <paramref name="start"/>. Ranges may be done side by side.
    /// </summary>
    private protected abstract void Update(
        float* old, float* gradientSum, float divisor, float* target, int start, int length);

    private protected AlignedBuffer AddSlot(string name)
    {
        AlignedBuffer values = new(ParameterCount);
        _slots.Add((name, values));
        return values;
    }

    /// <summary>Whether a number is finite and not below 0.</summary>
    internal static bool IsNotNegative(double value) => value >= 0 && double.IsFinite(value);

    /// <summary>Whether a number is a share that does not keep all.</summary>
    internal static bool IsShare(double value) => value is >= 0 and < 1;

    /// <summary>Whether a number is above 0 as a float, and finite: from an epsilon of 0, 0 / 0 would follow.</summary>
    internal static bool IsEpsilon(double value) => (float)value > 0 && float.IsFinite((float)value);

    /// <summary>Refuses an argument that is out of range, or NaN.</summary>
    private protected void Check(string argument, double value, bool isAllowed, string allowed) =>
        AllowedRange.Require(GetType().Name, argument, value, isAllowed, allowed);

    /// <summary>Refuses a number that is not finite, or below 0.</summary>
    private protected void CheckNotNegative(string argument, double value) =>
        Check(argument, value, IsNotNegative(value), "0 or more");

    /// <summary>Refuses a share that would keep all, or more.</summary>
    private protected void CheckShare(string argument, double value) =>
        Check(argument, value, IsShare(value), "0 to below 1");

    /// <summary>Refuses what is no <see cref="IsEpsilon"/>.</summary>
    private protected void CheckEpsilon(double epsilon) =>
        Check("eps", epsilon, IsEpsilon(epsilon), "more than 0, as a float too");

    private void CheckStep(
        AlignedBuffer old, AlignedBuffer gradientSum, double learningRate, AlignedBuffer target)
    {
        CheckNotNegative("learning rate", learningRate);
        if (Math.Min(old.Length, Math.Min(gradientSum.Length, target.Length)) < ParameterCount)
        {
            throw new ArgumentException(
                $"Optimizer for {ParameterCount} parameters: got {old.Length} parameters, {gradientSum.Length} "
                + $"gradients, {target.Length} results.");
        }
    }
}
