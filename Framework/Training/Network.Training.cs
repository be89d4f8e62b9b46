using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>Training that goes on from call to call, and snapshots.</summary>
/// <remarks>
/// Epochs count over all calls: order, noise, windows and dropout are those of one call with all epochs, and the
/// optimizer keeps its state as long as its options, but for the rate, stay the same. So three calls of one epoch give
/// the bits of one call of three, under a constant schedule; under others, if each call is given the total.
/// </remarks>
public sealed partial class Network
{
    private Optimizer? _optimizer;
    private OptimizerOptions? _optimizerOptions;
    private int _epochs;
    private bool _isTraining;
    private WeightsAverage? _average;

    /// <summary>The average if training made one, else the weights.</summary>
    private AlignedBuffer Used => _average?.State.Values ?? _state;

    /// <summary>The weights as they are now, for many threads at once.</summary>
    public NetworkSnapshot Snapshot()
    {
        using Lock.Scope scope = Enter();
        return new NetworkSnapshot(Model, Used.Span.ToArray());
    }

    private List<double> TrainOn(PairSource pairs, NetworkTraining options)
    {
        options.Check();
        if (_isTraining)
        {
            throw new InvalidOperationException("A callback of Train cannot train; end that call with StopWhen first.");
        }

        int total = options.TotalEpochs ?? _epochs + options.Epochs;
        TrainingJob job = new(options.Configure(Model, pairs, _state.Span, total), pairs);
        CheckTotal(options, job);
        Optimizer optimizer = _optimizer is not null && _optimizerOptions!.IsContinuedBy(options.Optimizer)
            ? _optimizer
            : options.Optimizer.Create(Model.ParameterCount);
        optimizer.ClipNorm = options.Optimizer.ClipNorm;
        TrainingState state = new(_state.Span, optimizer, Model.Buffers) { Average = GoOnAveraging(options.Ema) };
        LocalTrainer trainer = new(job, state, options.Threads);
        List<double> losses = [];
        _isTraining = true;
        try
        {
            TrainEpochs(job, trainer, state, options, losses);
        }
        finally
        {
            _isTraining = false;
        }

        return losses;
    }

    /// <summary>Goes on with the average of earlier calls, if its decay is the same.</summary>
    private WeightsAverage? GoOnAveraging(double decay) => decay == 0 ? null
        : _average?.Decay == decay ? _average
        : new WeightsAverage(decay, _state.Span, Model.ParameterCount);

    private void TrainEpochs(
        TrainingJob job, LocalTrainer trainer, TrainingState state, NetworkTraining options, List<double> losses)
    {
        for (bool goesOn = true; goesOn && losses.Count < options.Epochs;)
        {
            // A step that fails leaves the weights of the last epoch, which the optimizer is past.
            (_optimizer, _optimizerOptions, _average) = (null, null, null);
            int epoch = _epochs;
            double sum = 0;
            for (int i = 0; i < job.Schedule.StepsPerEpoch; i++)
            {
                int step = (epoch * job.Schedule.StepsPerEpoch) + i;
                double loss = trainer.Step(step);
                sum += loss * job.Schedule.At(step).Count;
                options.OnStep?.Invoke(step + 1, loss);
            }

            losses.Add(sum / job.Schedule.Samples);
            state.Parameters.Values.Span.CopyTo(_state.Span);
            _epochs++;
            (_optimizer, _optimizerOptions, _average) = (state.Optimizer, options.Optimizer, state.Average);
            options.OnEpoch?.Invoke(epoch, losses[^1]);
            goesOn = options.StopWhen?.Invoke(epoch, losses[^1]) != true;
        }
    }

    private void CheckTotal(NetworkTraining options, TrainingJob job)
    {
        if (options.TotalEpochs is { } total && _epochs + options.Epochs > total)
        {
            throw new ConfigurationException(
                $"{_epochs} epochs are done and {options.Epochs} more asked for, but the total is {total}.",
                "Give a larger total, or train fewer epochs.");
        }

        if (options.TotalEpochs is null && _epochs > 0 && job.DependsOnLength)
        {
            throw new ConfigurationException(
                $"The schedule or the loss depends on the number of all epochs, and {_epochs} are done already.",
                "Give each call TotalEpochs, or use a constant schedule.");
        }
    }

    /// <summary>Whether an image is of a size that the layers alone do not take.</summary>
    private bool IsPredictedInTiles(Tensor input)
    {
        if (input.Shape is not [.., var c, var h, var w] || input.Shape.Count > 4)
        {
            return false;
        }

        ImageShape shape = new(c, h, w);
        return NetworkSnapshot.Takes(Model, shape);
    }
}
