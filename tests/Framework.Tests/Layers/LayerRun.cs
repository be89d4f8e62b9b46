using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Layers;

/// <summary>Runs layers forward and backward over a batch as one shard, image by image as training does.</summary>
internal sealed class LayerRun
{
    private readonly Plan _plan;
    private readonly Replica _replica;
    private readonly Workspace _workspace;

    public LayerRun(
        Sequential layers,
        ImageShape input,
        int? bits = null,
        int imagesPerPass = 1,
        ConvolutionAlgorithm convolutions = ConvolutionAlgorithm.Auto,
        long treeReductionMax = Plan.TreeReductionMax,
        bool wholeShards = false)
    {
        Model = new Model(layers, convolutions);
        KernelSet kernels = bits is { } width ? KernelSet.ForBits(width) : KernelSet.Current;
        _plan = Model.Compile(input, inputGradient: true, imagesPerPass, kernels, treeReductionMax, wholeShards);
        _replica = _plan.CreateReplica();
        _workspace = _plan.CreateWorkspace(training: true);
        Parameters = new float[Model.StateCount];
        Model.InitializeBuffers(Parameters);
        Gradient = new float[Model.StateCount];
    }

    public Model Model { get; }

    public ImageShape OutputShape => _plan.Output;

    /// <summary>The flat state: parameters, then buffers.</summary>
    public float[] Parameters { get; }

    public float[] Gradient { get; }

    /// <summary>Whether Winograd's gradients go to the flat gradient after each image.</summary>
    public bool EndsEachImage =>
        _plan.Operations.OfType<ConvolutionOperation>().Any(each => each.Sums == SumsSpan.Image);

    /// <summary>What random numbers are a function of.</summary>
    public SampleKeys Keys { get; set; } = new(Seed: 1, Step: 2, FirstSample: 3);

    /// <summary>Of each image's noise; empty to have it estimated, where it is taken.</summary>
    public float[] Sigma { get; init; } = [];

    public float[] Output { get; private set; } = [];

    public float[] InputGradient { get; private set; } = [];

    /// <summary>The part of a flat state that belongs to a parameter or a buffer.</summary>
    public Span<float> Slice(float[] flat, string name)
    {
        if (Model.Buffers.SingleOrDefault(each => each.Name == name) is { } buffer)
        {
            return flat.AsSpan(buffer.Start, buffer.Count);
        }

        ParameterSpec parameter = Model.Parameters.Single(each => each.Name == name);
        return flat.AsSpan(parameter.Start, parameter.Count);
    }

    /// <summary>The output of one image outside training.</summary>
    public float[] Evaluate(ReadOnlySpan<float> image)
    {
        Workspace workspace = _plan.CreateWorkspace(training: false);
        float[] output = new float[_plan.Output.Elements];
        _replica.Load(Parameters);
        workspace.SetInput(0, image);
        _plan.Forward(_replica, workspace);
        workspace.GetOutput(0, output);
        return output;
    }

    public float[] Forward(ReadOnlySpan<float> input, int n = 1)
    {
        Run(input, n, null);
        return Output;
    }

    /// <summary>Forward and backward; outputGradient gets an image's output and its index.</summary>
    public void Run(ReadOnlySpan<float> input, int n, Func<float[], int, float[]>? outputGradient)
    {
        int inputs = _plan.Input.Elements;
        int outputs = _plan.Output.Elements;
        Output = new float[n * outputs];
        InputGradient = new float[n * inputs];
        _replica.Load(Parameters);
        AlignedBuffer gradient = new(Gradient.Length);
        _workspace.BeginShard(gradient);
        for (int first = 0; first < n; first += _plan.ImagesPerPass)
        {
            int images = Math.Min(_plan.ImagesPerPass, n - first);
            _workspace.BeginPass(images, Keys with { FirstSample = Keys.FirstSample + first });
            for (int i = 0; i < images; i++)
            {
                float? sigma = Sigma.Length == 0 ? null : Sigma[first + i];
                _workspace.SetInput(i, input.Slice((first + i) * inputs, inputs), sigma);
            }

            _plan.Forward(_replica, _workspace);
            for (int i = 0; i < images; i++)
            {
                float[] output = new float[outputs];
                _workspace.GetOutput(i, output);
                output.CopyTo(Output, (first + i) * outputs);
                if (outputGradient != null)
                {
                    _workspace.SetOutputGradient(i, outputGradient(output, first + i));
                }
            }

            if (outputGradient == null)
            {
                continue;
            }

            _plan.Backward(_replica, _workspace);
            for (int i = 0; i < images; i++)
            {
                _workspace.GetInputGradient(i, InputGradient.AsSpan((first + i) * inputs, inputs));
            }
        }

        if (outputGradient != null)
        {
            _plan.EndShard(_workspace);
            gradient.Span.CopyTo(Gradient);
        }
    }
}
