using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>A convolution of either kind; its bias, and an activation or a sum that follows, are fused in.</summary>
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

    /// <summary>
    /// Added to the result, if there is no activation; another operation carries the gradient back to it.
    /// </summary>
    public ActivationNode? Addend { get; set; }

    public override IEnumerable<ActivationNode> Reads => Addend is null ? [Input] : [Input, Addend];

    public override int PackedFloats =>
        checked(Output.Floats + Input.Floats + _forward.PackedFloats + (NeedsBackward ? _backward.PackedFloats : 0));

    public override int GradientFloats =>
        checked(Output.Floats + (Sums == SumsSpan.Shard ? _weightGradient.SumFloats : 0));

    /// <summary>Whether its gradient is added up in several times as many floats as it has.</summary>
    public bool HasLargeSums => _weightGradient is WinogradWeightGradient;

    /// <summary>Whether images of a pass share its weights.</summary>
    public bool HasSmallImages => _forward is WinogradProgram { HasSmallImages: true };

    /// <summary>Whether the plan has more weights than a near cache keeps; set by the plan.</summary>
    public bool HasFarWeights { get; set; }

    /// <summary>After what its gradient goes to the flat gradient; set by the plan.</summary>
    public SumsSpan Sums { get; set; }

    private bool NeedsBackward => InputGradient != GradientMode.Skip;

    private int WeightGradientFloats =>
        checked(_weightGradient.ScratchFloats + (Sums == SumsSpan.Shard ? 0 : _weightGradient.SumFloats));

    public override int TemporaryFloats(bool training) => training
        ? Math.Max(WeightGradientFloats, Math.Max(_forward.ScratchFloats, _backward.ScratchFloats))
        : _forward.ScratchFloats;

    public override void Bind()
    {
        _forward = _method.CreatePass(_geometry, Input, Output, _strides, ImagesPerPass);
        _backward = _method.CreatePass(_geometry.Adjoint, Output, Input, _strides.Swapped, ImagesPerPass);
        _weightGradient = _method.CreateWeightGradient(_geometry, Input, Output, _strides, ImagesPerPass);
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
        _forward.Run(new ConvolutionCall
        {
            Kernels = workspace.Kernels,
            Input = workspace.Activation(Input, 0),
            Output = workspace.Activation(Output, 0),
            Images = workspace.Images,
            Packed = bias + Output.Floats + Input.Floats,
            Start = bias,
            Scratch = workspace.Temporary,
            HasFarWeights = HasFarWeights,
            Activation = Activation,
            Addend = Addend,
            AddendImage = Addend is null ? null : workspace.Activation(Addend, 0),
        });
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        // The weight gradient first: on its way the output's gradient passes the activation.
        AddWeightGradient(workspace);
        if (NeedsBackward)
        {
            float* zeros = replica.PackedPointer(this) + Output.Floats;
            _backward.Run(new ConvolutionCall
            {
                Kernels = workspace.Kernels,
                Input = workspace.Gradient(Output, 0),
                Output = workspace.Gradient(Input, 0),
                Images = workspace.Images,
                Packed = zeros + Input.Floats + _forward.PackedFloats,
                Start = InputGradient == GradientMode.Overwrite ? zeros : null,
                Scratch = workspace.Temporary,
                HasFarWeights = HasFarWeights,
                Activation = ActivationKind.None,
            });
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

        if (Sums == SumsSpan.Shard)
        {
            float* weightSums = workspace.GradientSumsPointer(this) + Output.Floats;
            _weightGradient.Unpack(workspace.Kernels, weightSums, gradient, adds: false);
        }
    }

    private void AddWeightGradient(Workspace workspace)
    {
        float* biasSums = workspace.GradientSumsPointer(this);
        bool isShort = Sums != SumsSpan.Shard;
        float* sums = isShort ? workspace.Temporary + _weightGradient.ScratchFloats : biasSums + Output.Floats;
        int images = Sums == SumsSpan.Image ? 1 : workspace.Images;
        for (int image = 0; image < workspace.Images; image += images)
        {
            _weightGradient.Accumulate(new WeightGradientCall
            {
                Kernels = workspace.Kernels,
                Input = workspace.Activation(Input, image),
                Output = workspace.Activation(Output, image),
                OutputGradient = workspace.Gradient(Output, image),
                Images = images,
                Activation = Activation,
                BiasSums = _biasStart < 0 ? null : biasSums,
                Sums = sums,
                Overwrites = isShort,
                Scratch = workspace.Temporary,
            });
            if (isShort)
            {
                bool adds = Sums == SumsSpan.Image || workspace.PassesOfShard > 1;
                _weightGradient.Unpack(workspace.Kernels, sums, workspace.ShardGradient.Span, adds);
            }
        }
    }
}

/// <summary>What a layer's transformed weight gradient is summed over before it goes to the flat gradient.</summary>
internal enum SumsSpan
{
    /// <summary>A shard: each layer has memory for its sums.</summary>
    Shard,

    /// <summary>A pass that is a shard: the same bits, in memory that all layers share.</summary>
    Pass,

    /// <summary>An image, in memory that all layers share.</summary>
    Image,
}
