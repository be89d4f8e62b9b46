using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>The parameters as they change, and the optimizer that changes them. One thread at a time.</summary>
/// <remarks>
/// Each step writes the new parameters to a buffer of their own: whoever still reads the old ones may.
/// </remarks>
public sealed class TrainingState
{
    private readonly BufferPool _pool;
    private readonly LeafSums<PooledBuffer> _sums = new(GradientSum.Combine);

    /// <summary>Starts from given parameters.</summary>
    /// <param name="parameters">Copied.</param>
    /// <param name="optimizer">With its state.</param>
    public TrainingState(ReadOnlySpan<float> parameters, Optimizer optimizer)
    {
        _pool = new BufferPool(parameters.Length);
        Optimizer = optimizer;
        Parameters = _pool.Rent();
        parameters.CopyTo(Parameters.Values.Span);
    }

    /// <summary>Its state goes into checkpoints.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The current parameters; take a reference to keep them beyond the next step.</summary>
    public PooledBuffer Parameters { get; private set; }

    /// <summary>Versions of the parameters that somebody holds; the current one counts.</summary>
    public int BuffersOutstanding => _pool.Outstanding;

    /// <summary>Begins a step of so many leaves.</summary>
    public void Begin(int leafCount) => _sums.Reset(leafCount, new LeafSpan(0, leafCount));

    /// <summary>Adds the sum of one node; owned by this object from now on.</summary>
    /// <returns>
    /// The root's sum when nothing is missing any more, to be given to <see cref="Apply"/>; else null.
    /// </returns>
    public PooledBuffer? Add(LeafNode node, PooledBuffer sum)
    {
        _sums.Put(node, sum, out _, out PooledBuffer? total);
        return _sums.IsComplete ? total : null;
    }

    /// <summary>
    /// Does the optimizer's step with the gradient summed over the batch, which goes back to its pool.
    /// </summary>
    /// <param name="gradient">Summed over the batch.</param>
    /// <param name="terms">What the mean divides by.</param>
    /// <param name="learningRate">This step's learning rate.</param>
    public void Apply(PooledBuffer gradient, double terms, double learningRate)
    {
        PooledBuffer next = _pool.Rent();
        Optimizer.Step(Parameters.Values, gradient.Values, terms, learningRate, next.Values);
        Parameters.Dispose();
        Parameters = next;
        gradient.Dispose();
    }
}
