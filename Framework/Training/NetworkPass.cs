using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Training;

/// <summary>A model compiled for batches of one size and shape, with room for one pass.</summary>
internal sealed class NetworkPass
{
    private const int VectorRank = 1;
    private const int ImageRank = 3;

    private readonly Model _model;
    private readonly Plan _plan;
    private readonly Replica _replica;
    private readonly Workspace _workspace;
    private int[] _inputShape = [];
    private int[] _outputShape = [];

    private NetworkPass(Model model, ImageShape shape, int samples, bool isTraining)
    {
        _model = model;
        Samples = samples;
        IsTraining = isTraining;
        _plan = model.Compile(shape, inputGradient: isTraining, imagesPerPass: samples);
        _replica = _plan.CreateReplica();
        _workspace = _plan.CreateWorkspace(isTraining);
    }

    /// <summary>Samples of the batch.</summary>
    public int Samples { get; }

    /// <summary>Whether Backward may follow Forward.</summary>
    public bool IsTraining { get; }

    /// <summary>The pass for samples like these: the one at hand, if it fits.</summary>
    /// <exception cref="ShapeException">It is neither a sample nor a batch, or the model cannot take it.</exception>
    public static NetworkPass For(Model model, Tensor input, bool isTraining, NetworkPass? reuse)
    {
        IReadOnlyList<int> shape = input.Shape;
        if (shape.Count is < VectorRank or > ImageRank + 1)
        {
            throw new ShapeException(
                $"{input} is neither a sample nor a batch of samples.",
                "Give [C, H, W] or [N, C, H, W]; for vectors [F] or [N, F].");
        }

        int samples = IsBatch(shape) ? shape[0] : 1;
        ImageShape sample = shape.Count < ImageRank
            ? new ImageShape(shape[^1], 1, 1)
            : new ImageShape(shape[^3], shape[^2], shape[^1]);
        NetworkPass pass = reuse is not null
            && reuse._model == model
            && reuse._plan.Input == sample
            && reuse.Samples == samples
            && reuse.IsTraining == isTraining
            ? reuse
            : new NetworkPass(model, sample, samples, isTraining);
        pass._inputShape = [.. shape];
        ImageShape output = pass._plan.Output;
        int[] one = output is { H: 1, W: 1 } ? [output.C] : [output.C, output.H, output.W];
        pass._outputShape = IsBatch(shape) ? [samples, .. one] : one;
        return pass;
    }

    /// <summary>Computes the results of a batch.</summary>
    /// <param name="state">The flat state.</param>
    /// <param name="input">The batch.</param>
    /// <param name="keys">Decides random numbers in training.</param>
    /// <param name="sigma">Of the noise of all, for models that take it; null to estimate each one's.</param>
    public Tensor Forward(AlignedBuffer state, Tensor input, in SampleKeys keys = default, float? sigma = null)
    {
        _replica.Load(state.Span);
        _workspace.BeginPass(Samples, keys);
        int elements = _plan.Input.Elements;
        for (int i = 0; i < Samples; i++)
        {
            _workspace.SetInput(i, input.Span.Slice(i * elements, elements), sigma);
        }

        _plan.Forward(_replica, _workspace);
        Tensor output = new(_outputShape);
        elements = _plan.Output.Elements;
        for (int i = 0; i < Samples; i++)
        {
            _workspace.GetOutput(i, output.Span.Slice(i * elements, elements));
        }

        return output;
    }

    /// <summary>Carries a gradient back.</summary>
    /// <param name="outputGradient">In the shape of the results.</param>
    /// <param name="gradient">Of the parameters, summed over the batch; overwritten.</param>
    /// <returns>In the shape of the input.</returns>
    public Tensor Backward(Tensor outputGradient, AlignedBuffer gradient)
    {
        if (!outputGradient.Shape.SequenceEqual(_outputShape))
        {
            throw new ShapeException(
                $"The gradient is {outputGradient}; the result was [{string.Join(", ", _outputShape)}].",
                "Give the gradient with respect to the result of the last Forward, in its shape.");
        }

        _workspace.BeginShard(gradient);
        int elements = _plan.Output.Elements;
        for (int i = 0; i < Samples; i++)
        {
            _workspace.SetOutputGradient(i, outputGradient.Span.Slice(i * elements, elements));
        }

        _plan.Backward(_replica, _workspace);
        _plan.EndShard(_workspace);
        Tensor inputGradient = new(_inputShape);
        elements = _plan.Input.Elements;
        for (int i = 0; i < Samples; i++)
        {
            _workspace.GetInputGradient(i, inputGradient.Span.Slice(i * elements, elements));
        }

        return inputGradient;
    }

    private static bool IsBatch(IReadOnlyList<int> shape) => shape.Count is VectorRank + 1 or ImageRank + 1;
}
