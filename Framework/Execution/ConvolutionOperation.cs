using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>A convolution of either kind, with its bias and the activation that follows fused in.</summary>
internal sealed unsafe class ConvolutionOperation : Operation, IActivated
{
    private readonly ConvolutionGeometry _geometry;
    private readonly WeightStrides _strides;
    private readonly int _biasStart;
    private ConvolutionProgram _forward = null!;
    private ConvolutionProgram _backward = null!;
    private TapOffsets[] _taps = [];
    private int[] _outputChannelOf = [];

    /// <param name="geometry">Forward direction.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="output">What it writes.</param>
    /// <param name="strides">Where the weight is, seen in the forward direction.</param>
    /// <param name="biasStart">Where the bias is in the flat parameters; -1 if there is none.</param>
    public ConvolutionOperation(
        ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides, int biasStart)
        : base(input, output)
    {
        _geometry = geometry;
        _strides = strides;
        _biasStart = biasStart;
        input.RequireBorder(geometry.Border(input.Shape.H, input.Shape.W, output.Shape.H, output.Shape.W));
        output.RequireBorder(geometry.Adjoint.Border(output.Shape.H, output.Shape.W, input.Shape.H, input.Shape.W));
    }

    /// <inheritdoc/>
    public ActivationKind Activation { get; set; }

    public override int PackedFloats =>
        checked(Output.Floats + Input.Floats + _forward.PackedFloats + (NeedsBackward ? _backward.PackedFloats : 0));

    public override int GradientFloats => checked(Output.Floats + (_taps.Length * Input.Shape.C * Output.Floats));

    private bool NeedsBackward => InputGradient != GradientMode.Skip;

    public override void Bind()
    {
        _forward = new ConvolutionProgram(_geometry, Input, Output, _strides);
        _backward = new ConvolutionProgram(_geometry.Adjoint, Output, Input, _strides.Swapped);
        _outputChannelOf = Output.ChannelOfFloat();
        List<TapOffsets> taps = [];
        ActivationNode strided = _geometry.Transposed ? Output : Input;
        for (int ky = 0; ky < _geometry.K; ky++)
        {
            for (int kx = 0; kx < _geometry.K; kx++)
            {
                int offset = checked(
                    ((ky - _geometry.Padding) * strided.LineFloats) + ((kx - _geometry.Padding) * strided.PixelFloats));
                taps.Add(_geometry.Transposed ? new TapOffsets(0, offset) : new TapOffsets(offset, 0));
            }
        }

        _taps = [.. taps];
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
        _forward.Pack(parameters, packed);
        if (NeedsBackward)
        {
            _backward.Pack(parameters, packed[_forward.PackedFloats..]);
        }
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        float* bias = replica.PackedPointer(this);
        float* weights = bias + Output.Floats + Input.Floats;
        for (int image = 0; image < workspace.Images; image++)
        {
            _forward.Run(
                workspace.Kernels,
                workspace.Activation(Input, image),
                workspace.Activation(Output, image),
                weights,
                bias,
                Activation);
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        float* zeros = replica.PackedPointer(this) + Output.Floats;
        float* weights = zeros + Input.Floats + _forward.PackedFloats;
        for (int image = 0; image < workspace.Images; image++)
        {
            float* outputGradient = workspace.Gradient(Output, image);
            BackwardOfActivation(workspace, image, outputGradient);
            AccumulateWeights(workspace, image, outputGradient);
            if (NeedsBackward)
            {
                float* start = InputGradient == GradientMode.Overwrite ? zeros : null;
                _backward.Run(
                    workspace.Kernels,
                    outputGradient,
                    workspace.Gradient(Input, image),
                    weights,
                    start,
                    ActivationKind.None);
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

        sums = sums[Output.Floats..];
        for (int group = 0; group < Output.Floats; group += ActivationNode.ChannelGroup)
        {
            ReadOnlySpan<int> channels = _outputChannelOf.AsSpan(group, ActivationNode.ChannelGroup);
            for (int tap = 0; tap < _taps.Length; tap++)
            {
                for (int i = 0; i < Input.Shape.C; i++)
                {
                    int target = _strides.Start + (i * _strides.In) + tap;
                    for (int lane = 0; lane < channels.Length; lane++)
                    {
                        if (channels[lane] >= 0)
                        {
                            gradient[target + (channels[lane] * _strides.Out)] = sums[lane];
                        }
                    }

                    sums = sums[ActivationNode.ChannelGroup..];
                }
            }
        }
    }

    /// <summary>Carries the gradient through the activation, in place, and sums it up for the bias.</summary>
    private void BackwardOfActivation(Workspace workspace, int image, float* gradient)
    {
        float* output = workspace.Activation(Output, image);
        float* biasSums = workspace.GradientSumsPointer(this);
        int width = Output.Shape.W;
        for (int y = 0; y < Output.Shape.H; y++)
        {
            nint line = (nint)y * Output.LineFloats;
            if (Activation != ActivationKind.None)
            {
                workspace.Kernels.ActivateBackward(Activation, new BackwardLine
                {
                    Output = output + line,
                    OutputGradient = gradient + line,
                    Pixel = Output.PixelFloats,
                    InputGradient = gradient + line,
                    InputPixel = Output.PixelFloats,
                    Pixels = width,
                    Channels = Output.Floats,
                    Accumulate = false,
                });
            }

            if (_biasStart >= 0)
            {
                workspace.Kernels.AddPixels(gradient + line, Output.PixelFloats, width, Output.Floats, biasSums);
            }
        }
    }

    private void AccumulateWeights(Workspace workspace, int image, float* outputGradient)
    {
        int stride = _geometry.Stride;
        int inputStride = _geometry.Transposed ? 1 : stride;
        int outputStride = _geometry.Transposed ? stride : 1;
        ActivationNode window = _geometry.Transposed ? Input : Output;
        workspace.Kernels.AccumulateWeightGradient(new WeightGradientImage
        {
            A = workspace.Activation(Input, image),
            APixel = (nint)inputStride * Input.PixelFloats,
            ALine = (nint)inputStride * Input.LineFloats,
            B = outputGradient,
            BPixel = (nint)outputStride * Output.PixelFloats,
            BLine = (nint)outputStride * Output.LineFloats,
            W = window.Shape.W,
            H = window.Shape.H,
            Taps = _taps,
            Channels = Input.Channels,
            Columns = Output.Floats,
            Sums = workspace.GradientSumsPointer(this) + Output.Floats,
        });
    }
}
