using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Initializers;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>A network with its weights, to load, train and use in a program of one's own, without any actor.</summary>
/// <remarks>
/// Samples are one or a batch of them: [C, H, W] or [N, C, H, W], and [F] or [N, F] for vectors; results come alike
/// (a result of one pixel is a vector). One caller at a time: a call while another thread's is under way throws an
/// InvalidOperationException, and changes nothing. <see cref="Snapshot"/> gives what many threads may use. Callbacks of
/// Train may call back. Views of <see cref="Param"/> are not guarded.
/// </remarks>
public sealed partial class Network
{
    private const string CrossEntropyName = "cross-entropy";
    private readonly AlignedBuffer _state;
    private readonly AlignedBuffer _gradient;
    private readonly AlignedBuffer _shardGradient;
    private readonly uint _seed;
    private readonly Lock _caller = new();
    private NetworkPass? _pass;

    /// <summary>Passes in training so far: dropout draws again for each.</summary>
    private int _forwards;

    /// <summary>A network of layers, with random initial weights.</summary>
    /// <param name="layers">Its layers.</param>
    /// <param name="seed">Decides the weights.</param>
    /// <param name="initialization">A scheme of <see cref="Initializer.Allowed"/>; null for PyTorch's default.</param>
    /// <exception cref="ConfigurationException">There is no such scheme.</exception>
    public Network(Sequential layers, uint seed = 0, string? initialization = null)
    {
        _seed = seed;
        Model = new Model(layers);
        _state = new AlignedBuffer(Model.StateCount);
        _gradient = new AlignedBuffer(Model.StateCount);
        _shardGradient = new AlignedBuffer(Model.StateCount);
        Model.InitializeBuffers(_state.Span);
        Initializer.Parse(initialization).Fill(Model, seed, _state.Span);
    }

    /// <summary>The layers, and the names and places of what they learn.</summary>
    public Model Model { get; }

    /// <summary>Trains on pairs in memory.</summary>
    /// <param name="inputs">[N, C, H, W], or [N, F].</param>
    /// <param name="targets">
    /// What the network should make of each input; [N, ...]. For cross-entropy also class numbers, [N] or [N, H, W].
    /// </param>
    /// <param name="options">How; null for the defaults.</param>
    /// <returns>The mean loss of each epoch.</returns>
    /// <exception cref="ReportedException">Something does not fit, or training diverges.</exception>
    public IReadOnlyList<double> Train(Tensor inputs, Tensor targets, NetworkTraining? options = null) =>
        Train(
            new TensorPairs(inputs, targets, options?.Loss == CrossEntropyName ? Model.OutputShape : null), options);

    /// <summary>Trains on the pairs of a source.</summary>
    /// <inheritdoc cref="Train(Tensor, Tensor, NetworkTraining?)"/>
    public IReadOnlyList<double> Train(PairSource pairs, NetworkTraining? options = null)
    {
        using Lock.Scope scope = Enter();
        return TrainOn(pairs, options ?? new NetworkTraining());
    }

    /// <summary>What the network makes of samples, as it is used after training.</summary>
    /// <remarks>
    /// Images of any size, if the network gives back what it gets: sides that its strides do not divide are continued
    /// by reflection, and large images go in tiles, with the bits of the whole.
    /// </remarks>
    /// <param name="input">One sample or a batch.</param>
    /// <param name="sigma">
    /// Standard deviation of their noise, for networks that take it; null to estimate it from each sample.
    /// </param>
    /// <exception cref="ShapeException">The network cannot take them.</exception>
    public Tensor Predict(Tensor input, float? sigma = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        using Lock.Scope scope = Enter();
        if (IsPredictedInTiles(input))
        {
            return Snapshot().Predict(input, sigma);
        }

        NetworkPass pass = NetworkPass.For(Model, input, isTraining: false, reuse: _pass);
        _pass = pass;
        return pass.Forward(Used, input, default, sigma);
    }

    /// <summary>How well it does on pairs.</summary>
    /// <param name="pairs">Held-out ones; with clean targets for a true PSNR.</param>
    /// <param name="threads">Images at once, 1 or more; changes no bit.</param>
    /// <exception cref="ReportedException">The pairs do not fit, or a number is out of its range.</exception>
    public Evaluation Evaluate(PairSource pairs, int? threads = null)
    {
        int atOnce = threads ?? Environment.ProcessorCount;
        AllowedRange.Require(null, "number of threads", atOnce, atOnce >= 1, "1 or more");
        using Lock.Scope scope = Enter();
        Plan plan = TrainingJob.CompileFor(Model, "network", pairs);
        Replica replica = plan.CreateReplica();
        replica.Load(Used.Span);
        return Evaluator.Evaluate(plan, replica, pairs, atOnce);
    }

    /// <summary>What the network makes of samples in training; <see cref="Backward"/> may follow.</summary>
    /// <inheritdoc cref="Predict"/>
    public Tensor Forward(Tensor input, float? sigma = null)
    {
        using Lock.Scope scope = Enter();
        NetworkPass pass = NetworkPass.For(Model, input, isTraining: true, reuse: _pass);
        _pass = pass;
        return pass.Forward(_state, input, new SampleKeys(_seed, _forwards++, 0), sigma);
    }

    /// <summary>
    /// Carries a gradient back, adds to the gradients of the parameters, and updates running statistics.
    /// </summary>
    /// <param name="outputGradient">Of the loss with respect to the last Forward's result, in its shape.</param>
    /// <returns>Of the loss with respect to that Forward's input, in its shape.</returns>
    /// <exception cref="InvalidOperationException">No Forward came before.</exception>
    public Tensor Backward(Tensor outputGradient)
    {
        using Lock.Scope scope = Enter();
        if (_pass is not { IsTraining: true } pass)
        {
            throw new InvalidOperationException("Backward comes after Forward.");
        }

        Tensor inputGradient = pass.Backward(outputGradient, _shardGradient);
        RunningStatistics.Move(Model.Buffers, _state.Span, _shardGradient.Span, pass.Samples, _state.Span);
        Span<float> sums = _gradient.Span;
        ReadOnlySpan<float> added = _shardGradient.Span;
        for (int i = 0; i < Model.ParameterCount; i++)
        {
            sums[i] += added[i];
        }

        return inputGradient;
    }

    /// <summary>Sets the gradients of all parameters to zero.</summary>
    public void ZeroGrad()
    {
        using Lock.Scope scope = Enter();
        _gradient.Span.Clear();
    }

    /// <summary>Each parameter with its gradient: views, so that writing to a parameter changes the network.</summary>
    public IReadOnlyList<(Tensor Parameter, Tensor Gradient)> Param() =>
        [.. Model.Parameters.Select(parameter => (View(_state, parameter), View(_gradient, parameter)))];

    /// <summary>Does an optimizer's step with the gradients that were added up; an average of Train ends.</summary>
    /// <param name="optimizer">Made for as many parameters as the model has.</param>
    /// <param name="learningRate">Size of the step; above 0.</param>
    /// <exception cref="ConfigurationException">The optimizer is of another size, or the rate out of range.</exception>
    public void Step(Optimizer optimizer, double learningRate)
    {
        if (optimizer.ParameterCount != Model.ParameterCount)
        {
            throw new ConfigurationException(
                $"The optimizer is for {optimizer.ParameterCount} parameters; the model has {Model.ParameterCount}.",
                "Make it for the model's ParameterCount.");
        }

        AllowedRange.Require(
            null, "learning rate", learningRate, learningRate > 0 && double.IsFinite(learningRate), "above 0");

        using Lock.Scope scope = Enter();
        _average = null;

        // Kernels work on whole vectors: the last one reaches into the statistics behind the parameters.
        float[] statistics = _state.Span[Model.ParameterCount..].ToArray();
        optimizer.Step(_state, _gradient, divisor: 1, learningRate, _state);
        statistics.CopyTo(_state.Span[Model.ParameterCount..]);
    }

    /// <summary>Lets this thread in, also into a call of its own.</summary>
    private Lock.Scope Enter()
    {
        if (!_caller.TryEnter())
        {
            throw new InvalidOperationException(
                "Another thread's call of this network is under way; let each thread use a Snapshot of it.");
        }

        // Entered twice, left twice: a scope is what leaves by itself.
        Lock.Scope scope = _caller.EnterScope();
        _caller.Exit();
        return scope;
    }

    private static Tensor View(AlignedBuffer buffer, ParameterSpec parameter) =>
        new(buffer.Memory.Slice(parameter.Start, parameter.Count), [.. parameter.Shape]);
}
