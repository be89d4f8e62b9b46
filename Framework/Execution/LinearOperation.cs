using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>A fully connected layer: one product over all images of a pass, bias and activation fused in.</summary>
/// <remarks>
/// The weight's and the bias's gradients go on from image to image, so that they do not depend on how many images go
/// through together.
/// </remarks>
internal sealed unsafe class LinearOperation : Operation, IActivated
{
    private static readonly TapOffsets[] s_oneTap = [new TapOffsets(0, 0)];
    private readonly WeightStrides _strides;
    private readonly int _biasStart;
    private ConvolutionProgram _forward = null!;
    private ConvolutionProgram _backward = null!;
    private int[] _outputChannelOf = [];

    /// <param name="input">What it reads: [In, 1, 1].</param>
    /// <param name="output">What it writes: [Out, 1, 1].</param>
    /// <param name="weightStart">Where the weight [Out, In] is in the flat parameters.</param>
    /// <param name="biasStart">Where the bias is; -1 if there is none.</param>
    public LinearOperation(ActivationNode input, ActivationNode output, int weightStart, int biasStart)
        : base(input, output)
    {
        _strides = new WeightStrides(weightStart, Out: input.Shape.C, In: 1);
        _biasStart = biasStart;
    }

    /// <inheritdoc/>
    public ActivationKind Activation { get; set; }

    public override int PackedFloats =>
        checked(Output.Floats + Input.Floats + _forward.PackedFloats + (NeedsBackward ? _backward.PackedFloats : 0));

    public override int GradientFloats => checked(Output.Floats + (Input.Shape.C * Output.Floats));

    private bool NeedsBackward => InputGradient != GradientMode.Skip;

    public override void Bind()
    {
        ConvolutionGeometry pixel = new(K: 1, Stride: 1, Padding: 0, Transposed: false);
        _forward = new ConvolutionProgram(pixel, Input, Output, _strides);
        _backward = new ConvolutionProgram(pixel, Output, Input, _strides.Swapped);
        _outputChannelOf = Output.ChannelOfFloat();
    }

    public override void Pack(ReadOnlySpan<float> parameters, Replica replica)
    {
        Span<float> packed = replica.Packed(this);
        PackVector(parameters, _biasStart, otherwise: 0, _outputChannelOf, packed[..Output.Floats]);

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
        float* weights = bias + Output.Floats + Input.Floats;
        float* output = workspace.Activation(Output, 0);
        _forward.RunImages(workspace.Kernels, workspace.Activation(Input, 0), output, weights, bias, workspace.Images);
        if (Activation != ActivationKind.None)
        {
            nint image = (nint)Output.ImageFloats;
            workspace.Kernels.Activate(Activation, output, image, output, image, workspace.Images, Output.Floats);
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        float* zeros = replica.PackedPointer(this) + Output.Floats;
        float* outputGradient = workspace.Gradient(Output, 0);
        float* sums = workspace.GradientSumsPointer(this);
        BackwardOfActivation(workspace, outputGradient);
        for (int image = 0; _biasStart >= 0 && image < workspace.Images; image++)
        {
            workspace.Kernels.Add(workspace.Gradient(Output, image), sums, Output.Floats);
        }

        workspace.Kernels.AccumulateWeightGradient(new WeightGradientImage
        {
            A = workspace.Activation(Input, 0),
            APixel = (nint)Input.ImageFloats,
            ALine = 0,
            B = outputGradient,
            BPixel = (nint)Output.ImageFloats,
            BLine = 0,
            W = workspace.Images,
            H = 1,
            Taps = s_oneTap,
            Channels = Input.Channels,
            Columns = Output.Floats,
            Sums = sums + Output.Floats,
            Continues = true,
        });
        if (NeedsBackward)
        {
            float* weights = zeros + Input.Floats + _forward.PackedFloats;
            float* start = InputGradient == GradientMode.Overwrite ? zeros : null;
            _backward.RunImages(
                workspace.Kernels,
                outputGradient,
                workspace.Gradient(Input, 0),
                weights,
                start,
                workspace.Images);
        }
    }

    public override void Unpack(Workspace workspace, Span<float> gradient)
    {
        ReadOnlySpan<float> sums = workspace.GradientSums(this);
        UnpackVector(sums, _outputChannelOf, _biasStart, gradient);
        sums = sums[Output.Floats..];
        for (int group = 0; group < Output.Floats; group += ActivationNode.ChannelGroup)
        {
            ReadOnlySpan<int> channels = _outputChannelOf.AsSpan(group, ActivationNode.ChannelGroup);
            for (int i = 0; i < Input.Shape.C; i++)
            {
                for (int lane = 0; lane < channels.Length; lane++)
                {
                    if (channels[lane] >= 0)
                    {
                        gradient[_strides.Start + i + (channels[lane] * _strides.Out)] = sums[lane];
                    }
                }

                sums = sums[ActivationNode.ChannelGroup..];
            }
        }
    }

    /// <summary>Carries the gradient through the activation of all images, in place.</summary>
    private void BackwardOfActivation(Workspace workspace, float* outputGradient)
    {
        if (Activation != ActivationKind.None)
        {
            workspace.Kernels.ActivateBackward(Activation, new BackwardLine
            {
                Output = workspace.Activation(Output, 0),
                OutputGradient = outputGradient,
                Pixel = (nint)Output.ImageFloats,
                InputGradient = outputGradient,
                InputPixel = (nint)Output.ImageFloats,
                Pixels = workspace.Images,
                Channels = Output.Floats,
                Accumulate = false,
            });
        }
    }
}
