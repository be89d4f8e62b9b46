using Distributed.Framework.Errors;
using Distributed.Framework.Kernels;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>An exponential average of the parameters over the steps; buffers behind them are copied.</summary>
/// <remarks>
/// After the step t from 1: <c>e = d e + (1 - d) w</c>, d the least of the decay and (1 + t) / (10 + t); before the
/// first step e = w. Computed as <c>e + (1 - d) (w - e)</c>, which leaves e where w = e: with decays near 1 the
/// roundings of d and 1 - d would shrink or grow it from step to step. As AveragedModel and get_ema_multi_avg_fn of
/// torch.optim.swa_utils, but for the warm-up, which is that of tf.train.ExponentialMovingAverage: without it the start
/// weights would have most of the average for 1 / (1 - decay) steps.
/// </remarks>
public sealed unsafe class WeightsAverage
{
    private readonly int _parameterCount;
    private readonly KernelSet _kernels;

    /// <summary>Starts from given parameters.</summary>
    /// <param name="decay">What a step keeps of the average, above 0 and below 1.</param>
    /// <param name="state">Parameters, then buffers; copied.</param>
    /// <param name="parameterCount">How many are parameters.</param>
    /// <exception cref="ConfigurationException">The decay is out of range.</exception>
    public WeightsAverage(double decay, ReadOnlySpan<float> state, int parameterCount)
        : this(decay, state, parameterCount, KernelSet.Current)
    {
    }

    internal WeightsAverage(double decay, ReadOnlySpan<float> state, int parameterCount, KernelSet kernels)
    {
        Check(decay);
        AllowedRange.Require(null, "--ema", decay, decay > 0, "above 0 to below 1");
        Decay = decay;
        _parameterCount = parameterCount;
        _kernels = kernels;
        State = new BufferPool(state.Length).Rent();
        state.CopyTo(State.Values.Span);
    }

    /// <summary>What a step keeps of the average.</summary>
    public double Decay { get; }

    /// <summary>Steps that it has taken in.</summary>
    public int Steps { get; internal set; }

    /// <summary>The average, then the buffers; changed in place by <see cref="Add"/>.</summary>
    public PooledBuffer State { get; }

    /// <summary>Refuses a decay that is none; 0 stands for no average.</summary>
    /// <exception cref="ConfigurationException">It is negative, 1 or more, or NaN.</exception>
    public static void Check(double decay) =>
        AllowedRange.Require(null, "--ema", decay, Optimizer.IsShare(decay), "0 to below 1");

    /// <summary>Takes a step's parameters in.</summary>
    /// <param name="state">Parameters, then buffers.</param>
    public void Add(AlignedBuffer state)
    {
        Steps++;
        double decay = Math.Min(Decay, (1.0 + Steps) / (10.0 + Steps));
        Ranges.Run(_parameterCount, (start, length) => _kernels.Average(
            state.Pointer + start, State.Values.Pointer + start, length, (float)(1 - decay)));
        GC.KeepAlive(state);
        GC.KeepAlive(this);

        // Kernels work on whole vectors: the last one reaches into the buffers.
        state.Span[_parameterCount..].CopyTo(State.Values.Span[_parameterCount..]);
    }
}
