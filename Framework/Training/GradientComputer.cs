using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Losses;
using Distributed.Framework.Randomness;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>One thread's means to compute shards: gradients of the summed loss over a few samples.</summary>
/// <remarks>
/// A shard's result is a function of (parameters, shard) alone. Nothing is allocated after construction.
/// </remarks>
public sealed class GradientComputer
{
    private readonly Plan _plan;
    private readonly PairSource _source;
    private readonly SampleOrder _order;
    private readonly Loss _loss;
    private readonly uint _seed;
    private readonly int _stepsTotal;
    private readonly Workspace _workspace;
    private readonly float[] _input;
    private readonly float[] _prediction;
    private readonly float[] _targets;
    private readonly float[] _gradient;

    /// <summary>Makes a thread's workspace.</summary>
    /// <param name="plan">The model at the size of the images.</param>
    /// <param name="source">The training pairs.</param>
    /// <param name="order">Which sample comes when.</param>
    /// <param name="loss">What is minimized.</param>
    /// <param name="seed">The run's, for layers that draw random numbers.</param>
    /// <param name="stepsTotal">Steps of the run, for losses that depend on progress.</param>
    public GradientComputer(Plan plan, PairSource source, SampleOrder order, Loss loss, uint seed, int stepsTotal)
    {
        _seed = seed;
        _plan = plan;
        _source = source;
        _order = order;
        _loss = loss;
        _stepsTotal = stepsTotal;
        _workspace = plan.CreateWorkspace(training: true);
        _input = new float[plan.Input.Elements];
        _prediction = new float[plan.Output.Elements];
        _targets = new float[plan.Output.Elements * plan.ImagesPerPass];
        _gradient = new float[plan.Output.Elements];
    }

    /// <summary>The second term of pairs of neighbouring pixels, a thread's own; null for none.</summary>
    internal NeighborTerm? Neighbors { get; init; }

    /// <summary>Computes one shard.</summary>
    /// <param name="replica">The parameters.</param>
    /// <param name="step">0-based: updates done before it.</param>
    /// <param name="epoch">0-based.</param>
    /// <param name="samples">Positions within the epoch.</param>
    /// <param name="result">Gradient and loss, both summed over the samples in their order; overwritten.</param>
    public void Compute(Replica replica, int step, int epoch, SampleSpan samples, PooledBuffer result)
    {
        int elements = _plan.Output.Elements;
        double progress = (double)step / _stepsTotal;
        double loss = 0;
        _workspace.BeginShard(result.Values);
        for (int first = 0; first < samples.Count; first += _plan.ImagesPerPass)
        {
            int images = Math.Min(_plan.ImagesPerPass, samples.Count - first);
            _workspace.BeginPass(images, new SampleKeys(_seed, step, samples.First + first));
            for (int i = 0; i < images; i++)
            {
                int sample = _order.At(epoch, samples.First + first + i);
                _source.Read(sample, epoch, _input, _targets.AsSpan(i * elements, elements));
                float? sigma = _plan.Model.TakesNoiseLevel ? _source.SigmaOf(sample, epoch) : null;
                _workspace.SetInput(i, _input, sigma);
            }

            _plan.Forward(replica, _workspace);
            for (int i = 0; i < images; i++)
            {
                _workspace.GetOutput(i, _prediction);
                Span<float> target = _targets.AsSpan(i * elements, elements);
                if (_source.MasksTargets)
                {
                    int sample = _order.At(epoch, samples.First + first + i);
                    _source.MaskTarget(sample, epoch, _prediction, target);
                }

                loss += _loss.Evaluate(_prediction, target, _gradient, progress);
                if (Neighbors is not null)
                {
                    int sample = _order.At(epoch, samples.First + first + i);
                    loss += Neighbors.Add(replica, sample, epoch, _prediction, target, progress, _gradient);
                }

                _workspace.SetOutputGradient(i, _gradient);
            }

            _plan.Backward(replica, _workspace);
        }

        _plan.EndShard(_workspace);
        result.Loss = loss;
    }
}
