using Akka.Actor;
using Distributed.Coordinator.Pictures;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Execution;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>Measures weights on held-out pairs and makes pictures; training waits for it.</summary>
internal sealed class EvaluationActor : UntypedActor
{
    private readonly TrainingJob _job;
    private readonly PairSource _validation;
    private readonly int _threads;
    private readonly string? _previews;
    private readonly Plan _plan;
    private readonly Replica _replica;
    private readonly bool _hasWholes;

    /// <summary>An actor with a replica of its own.</summary>
    /// <param name="job">What is trained.</param>
    /// <param name="validation">What to measure with.</param>
    /// <param name="threads">Threads to measure on.</param>
    /// <param name="previews">Folder of pictures; null for neither pictures nor best weights.</param>
    public EvaluationActor(TrainingJob job, PairSource validation, int threads, string? previews)
    {
        _job = job;
        _validation = validation;
        _threads = threads;
        _previews = previews;
        // Pictures to measure with may be larger than the windows to train with.
        _plan = validation.Shape == job.Plan.Input
            ? job.Plan : TrainingJob.CompileFor(job.Model, job.Configuration.Model, validation);
        _replica = _plan.CreateReplica();
        _hasWholes = WholePictures.Fit(job.Model, validation);
    }

    /// <summary>Asks for a measurement; answered by <see cref="Evaluated"/>.</summary>
    /// <param name="Step">Updates that the weights contain.</param>
    /// <param name="Weights">Read, then given back.</param>
    public sealed record Evaluate(Step Step, PooledBuffer Weights) : IReleasable
    {
        /// <inheritdoc/>
        public void Release() => Weights.Dispose();
    }

    /// <summary>What came out.</summary>
    /// <param name="Step">Whose weights.</param>
    /// <param name="Evaluation">The figures.</param>
    /// <param name="Preview">A picture; null without.</param>
    /// <param name="KeepsBest">Whether the weights may become the best ones.</param>
    public sealed record Evaluated(Step Step, Evaluation Evaluation, Preview? Preview, bool KeepsBest)
    {
        /// <summary>Of whole pictures, at the end of a run whose pairs are windows of them; else null.</summary>
        public Evaluation? Whole { get; init; }
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        if (message is not Evaluate { Step: var step, Weights: var weights })
        {
            return;
        }

        Evaluation? whole = null;
        using (weights)
        {
            _replica.Load(weights.Values.Span);
            if (_hasWholes && step.Value == _job.Schedule.StepsTotal)
            {
                whole = WholePictures.Evaluate(_job.Model, weights.Values.Memory, _validation, _threads);
            }
        }

        double progress = (double)Math.Max(0, step.Value - 1) / _job.Schedule.StepsTotal;
        Evaluation evaluation = Evaluator.Evaluate(
            _plan, _replica, _validation, _threads, _job.Loss, progress);
        Sender.Tell(new Evaluated(step, evaluation, Draw(step), KeepsBest: _previews is not null)
        {
            Whole = whole is null ? null : whole with { Loss = evaluation.Loss },
        });
    }

    private Preview? Draw(Step step)
    {
        if (_previews is null || _validation.ClassCount > 0)
        {
            return null; // A class is no picture.
        }

        string path = Path.Combine(_previews, $"step-{step.Value:D8}.png");
        return new Preview(path, PreviewWriter.Write(path, _plan, _replica, _validation));
    }
}
