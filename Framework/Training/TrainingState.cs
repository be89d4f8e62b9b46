using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>The parameters as they change, and the optimizer that changes them. One thread at a time.</summary>
/// <remarks>
/// Behind the parameters lie the buffers, which follow the gradient's tail: a step is
/// <c>running = (1 - momentum) running + momentum sum / samples</c>.
/// Each step writes the new parameters to a buffer of their own: whoever still reads the old ones may.
/// </remarks>
public sealed class TrainingState
{
    private readonly BufferPool _pool;
    private readonly IReadOnlyList<BufferSpec> _buffers;
    private readonly TreeReduction<PooledBuffer> _sums = new(GradientArithmetic.Combine);

    /// <summary>Starts from given parameters.</summary>
    /// <param name="parameters">Copied; with the buffers behind them.</param>
    /// <param name="optimizer">With its state.</param>
    /// <param name="buffers">The model's; none if null.</param>
    /// <exception cref="ArgumentException">There are more or fewer floats than parameters and buffers.</exception>
    public TrainingState(
        ReadOnlySpan<float> parameters, Optimizer optimizer, IReadOnlyList<BufferSpec>? buffers = null)
    {
        _buffers = buffers ?? [];
        int expected = optimizer.ParameterCount + _buffers.Sum(buffer => buffer.Count);
        if (parameters.Length != expected)
        {
            throw new ArgumentException(
                $"{parameters.Length} floats given for {expected} parameters and buffers.", nameof(parameters));
        }

        _pool = new BufferPool(parameters.Length);
        Optimizer = optimizer;
        Parameters = _pool.Rent();
        parameters.CopyTo(Parameters.Values.Span);
    }

    /// <summary>Its state goes into checkpoints.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The average of the parameters over the steps; null if none is wanted.</summary>
    public WeightsAverage? Average { get; init; }

    /// <summary>What is used and measured: the average if there is one, else the parameters.</summary>
    public PooledBuffer Used => Average?.State ?? Parameters;

    /// <summary>The current parameters; take a reference to keep them beyond the next step.</summary>
    public PooledBuffer Parameters { get; private set; }

    /// <summary>Versions of the parameters that somebody holds; the current one counts.</summary>
    public int BuffersOutstanding => _pool.Outstanding;

    /// <summary>Begins a step of so many shards.</summary>
    public void Begin(int shardCount) => _sums.Reset(shardCount, new ShardRange(0, shardCount));

    /// <summary>Adds the sum of one node; owned by this object from now on.</summary>
    /// <returns>
    /// The root's sum when nothing is missing any more, to be given to <see cref="Step"/>; else null.
    /// </returns>
    public PooledBuffer? Add(TreeNode node, PooledBuffer sum)
    {
        _sums.Put(node, sum, out _, out PooledBuffer? total);
        return _sums.IsComplete ? total : null;
    }

    /// <summary>
    /// Does the optimizer's step with the gradient summed over the batch, which goes back to its pool.
    /// </summary>
    /// <param name="gradient">Summed over the batch.</param>
    /// <param name="divisor">What the mean divides by.</param>
    /// <param name="learningRate">This step's learning rate.</param>
    /// <param name="samples">Samples of the batch.</param>
    public void Step(PooledBuffer gradient, double divisor, double learningRate, int samples)
    {
        PooledBuffer next = _pool.Rent();
        Optimizer.Step(Parameters.Values, gradient.Values, divisor, learningRate, next.Values);
        RunningStatistics.Move(
            _buffers, Parameters.Values.Span, gradient.Values.Span, samples, next.Values.Span);
        Parameters.Dispose();
        Parameters = next;
        gradient.Dispose();
        Average?.Add(Parameters.Values);
    }
}
