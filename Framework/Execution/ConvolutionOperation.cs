using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>A convolution of either kind, with its bias and the activation that follows fused in.</summary>
internal sealed unsafe class ConvolutionOperation : Operation, IActivated
{
    private readonly ConvolutionGeometry _geometry;
    private readonly WeightStrides _strides;
    private readonly int _biasStart;
    private readonly ConvolutionMethod _method;
    private ConvolutionPass _forward = null!;
    private ConvolutionPass _backward = null!;
    private WeightGradientPass _weightGradient = null!;
    private int[] _outputChannelOf = [];

    /// <param name="geometry">Forward direction.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="output">What it writes.</param>
    /// <param name="strides">Where the weight is, seen in the forward direction.</param>
    /// <param name="biasStart">Where the bias is in the flat parameters; -1 if there is none.</param>
    /// <param name="algorithm">What the user chose.</param>
    public ConvolutionOperation(
        ConvolutionGeometry geometry,
        ActivationNode input,
        ActivationNode output,
        WeightStrides strides,
        int biasStart,
        ConvolutionAlgorithm algorithm)
        : base(input, output)
    {
        _geometry = geometry;
        _strides = strides;
        _biasStart = biasStart;
        _method = ConvolutionMethod.Choose(algorithm, geometry, input.Shape.C, output.Shape.C);
        input.RequireBorder(_method.InputBorder(geometry, input.Shape, output.Shape));
        output.RequireBorder(_method.OutputBorder(geometry, input.Shape, output.Shape));
    }

    /// <inheritdoc/>
    public ActivationKind Activation { get; set; }

    public override int PackedFloats =>
        checked(Output.Floats + Input.Floats + _forward.PackedFloats + (NeedsBackward ? _backward.PackedFloats : 0));

    public override int GradientFloats => checked(Output.Floats + (EndsEachImage ? 0 : _weightGradient.SumFloats));

    /// <summary>Whether its gradient is added up in several times as many floats as it has.</summary>
    public bool HasLargeSums => _weightGradient is WinogradWeightGradient;

    /// <summary>Whether its gradient goes to the flat gradient after each image, not after a shard.</summary>
    public bool EndsEachImage { get; set; }

    private bool NeedsBackward => InputGradient != GradientMode.Skip;

    private int WeightGradientFloats =>
        checked(_weightGradient.ScratchFloats + (EndsEachImage ? _weightGradient.SumFloats : 0));

    public override int TemporaryFloats(bool training) => training
        ? Math.Max(WeightGradientFloats, Math.Max(_forward.ScratchFloats, _backward.ScratchFloats))
        : _forward.ScratchFloats;

    public override void Bind()
    {
        _forward = _method.CreatePass(_geometry, Input, Output, _strides);
        _backward = _method.CreatePass(_geometry.Adjoint, Output, Input, _strides.Swapped);
        _weightGradient = _method.CreateWeightGradient(_geometry, Input, Output, _strides);
        _outputChannelOf = Output.ChannelOfFloat();
    }

    public override void Pack(ReadOnlySpan<float> parameters, Replica replica)
    {
        Span<float> packed = replica.Packed(this);
        for (int i = 0; i < Output.Floats; i++)
        {
            packed[i] = _biasStart < 0 || _outputChannelOf[i] < 0 ? 0 : parameters[_biasStart + _outputChannelOf[i]];
        }

        // Behind the bias: zeros, which sums of the input's gradient start from.
        packed = packed[Output.Floats..];
        packed[..Input.Floats].Clear();
        packed = packed[Input.Floats..];
        _forward.Pack(replica.Kernels, parameters, packed);
        if (NeedsBackward)
        {
            _backward.Pack(replica.Kernels, parameters, packed[_forward.PackedFloats..]);
        }
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        float* bias = replica.PackedPointer(this);
        for (int image = 0; image < workspace.Images; image++)
        {
            _forward.Run(new ConvolutionCall
            {
                Kernels = workspace.Kernels,
                Input = workspace.Activation(Input, image),
                Output = workspace.Activation(Output, image),
                Packed = bias + Output.Floats + Input.Floats,
                Start = bias,
                Scratch = workspace.Temporary,
                Activation = Activation,
            });
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        float* zeros = replica.PackedPointer(this) + Output.Floats;
        for (int image = 0; image < workspace.Images; image++)
        {
            float* outputGradient = workspace.Gradient(Output, image);
            AddWeightGradient(workspace, image, outputGradient);
            if (NeedsBackward)
            {
                _backward.Run(new ConvolutionCall
                {
                    Kernels = workspace.Kernels,
                    Input = outputGradient,
                    Output = workspace.Gradient(Input, image),
                    Packed = zeros + Input.Floats + _forward.PackedFloats,
                    Start = InputGradient == GradientMode.Overwrite ? zeros : null,
                    Scratch = workspace.Temporary,
                    Activation = ActivationKind.None,
                });
            }
        }
    }

    public override void Unpack(Workspace workspace, Span<float> gradient)
    {
        ReadOnlySpan<float> sums = workspace.GradientSums(this);
        if (_biasStart >= 0)
        {
            for (int i = 0; i < Output.Floats; i++)
            {
                if (_outputChannelOf[i] >= 0)
                {
                    gradient[_biasStart + _outputChannelOf[i]] = sums[i];
                }
            }
        }

        if (!EndsEachImage)
        {
            _weightGradient.Unpack(workspace.Kernels, workspace.GradientSumsPointer(this) + Output.Floats, gradient);
        }
    }

    private void AddWeightGradient(Workspace workspace, int image, float* outputGradient)
    {
        float* biasSums = workspace.GradientSumsPointer(this);
        float* sums = EndsEachImage ? workspace.Temporary + _weightGradient.ScratchFloats : biasSums + Output.Floats;
        if (EndsEachImage)
        {
            new Span<float>(sums, _weightGradient.SumFloats).Clear();
        }

        _weightGradient.Accumulate(new WeightGradientCall
        {
            Kernels = workspace.Kernels,
            Input = workspace.Activation(Input, image),
            Output = workspace.Activation(Output, image),
            OutputGradient = outputGradient,
            Activation = Activation,
            BiasSums = _biasStart < 0 ? null : biasSums,
            Sums = sums,
            Scratch = workspace.Temporary,
        });
        if (EndsEachImage)
        {
            _weightGradient.Unpack(workspace.Kernels, sums, workspace.ShardGradient.Span);
        }
    }
}
