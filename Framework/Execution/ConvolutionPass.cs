using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>One way to carry an activation, or a gradient, through a convolution of one size.</summary>
internal abstract class ConvolutionPass
{
    /// <summary>Floats of the packed weights.</summary>
    public abstract int PackedFloats { get; }

    /// <summary>Floats of a thread's scratch memory.</summary>
    public virtual int ScratchFloats => 0;

    /// <summary>Brings the weights into the order in which the kernels read them.</summary>
    public abstract void Pack(KernelSet kernels, ReadOnlySpan<float> parameters, Span<float> packed);

    /// <summary>Computes all images of a call.</summary>
    public abstract void Run(in ConvolutionCall call);
}

/// <summary>The way of a pass's images through a <see cref="ConvolutionPass"/>.</summary>
internal readonly unsafe struct ConvolutionCall
{
    /// <summary>At which vector width.</summary>
    public required KernelSet Kernels { get; init; }

    /// <summary>The first image's input: its first channel of pixel (0, 0).</summary>
    public required float* Input { get; init; }

    /// <summary>The same of the output, overwritten or added to.</summary>
    public required float* Output { get; init; }

    /// <summary>How many images, each behind the other as their nodes say.</summary>
    public required int Images { get; init; }

    /// <summary>The packed weights.</summary>
    public required float* Packed { get; init; }

    /// <summary>What sums start from, one a float of an output pixel; null to add to the output.</summary>
    public required float* Start { get; init; }

    /// <summary>The calling thread's scratch memory.</summary>
    public required float* Scratch { get; init; }

    /// <summary>Applied to the result; None if the pass adds to the output.</summary>
    public required ActivationKind Activation { get; init; }

    /// <summary>Whether no near cache keeps the weights: so many others are read between two uses.</summary>
    public bool HasFarWeights { get; init; }

    /// <summary>Added to the result at last; laid out as the output, but for its border. Null for nothing.</summary>
    public ActivationNode? Addend { get; init; }

    /// <summary>The first image's: its first channel of pixel (0, 0).</summary>
    public float* AddendImage { get; init; }

    /// <summary>Adds it to a part of the first image's output.</summary>
    public void AddAddend(ActivationNode output, int y, int x, int height, int width)
    {
        for (int line = y; Addend is not null && line < y + height; line++)
        {
            float* target = Output + ((nint)line * output.LineFloats) + ((nint)x * output.PixelFloats);
            Kernels.AddLines(new SumLine
            {
                A = target,
                APixel = output.PixelFloats,
                B = AddendImage + ((nint)line * Addend.LineFloats) + ((nint)x * Addend.PixelFloats),
                BPixel = Addend.PixelFloats,
                Target = target,
                TargetPixel = output.PixelFloats,
                Pixels = width,
                Channels = output.Floats,
            });
        }
    }

    /// <summary>One image's way alone.</summary>
    public ConvolutionCall Only(int image, ActivationNode input, ActivationNode output) => this with
    {
        Input = Input + (image * (nint)input.ImageFloats),
        Output = Output + (image * (nint)output.ImageFloats),
        AddendImage = Addend is null ? null : AddendImage + (image * (nint)Addend.ImageFloats),
        Images = 1,
    };
}

/// <summary>One way to compute the gradients of a convolution's weight and bias.</summary>
internal abstract unsafe class WeightGradientPass(ActivationNode output)
{
    /// <summary>Floats of the sums that a shard, or an image, adds up.</summary>
    public abstract int SumFloats { get; }

    /// <summary>Floats of a thread's scratch memory.</summary>
    public virtual int ScratchFloats => 0;

    /// <summary>
    /// Adds all images of a call in their order, and carries the output's gradient back through the activation: where
    /// it comes by anyway. One image after the other gives the same bits as all together.
    /// </summary>
    public abstract void Accumulate(in WeightGradientCall call);

    /// <summary>Brings sums to the weight's place in the flat gradient.</summary>
    /// <param name="kernels">At which vector width.</param>
    /// <param name="sums">What was added up.</param>
    /// <param name="gradient">The flat gradient.</param>
    /// <param name="adds">Whether they are added to what is there, not to zero.</param>
    public abstract void Unpack(KernelSet kernels, float* sums, Span<float> gradient, bool adds);

    /// <summary>Brings sums of rows of channels by columns of channels to their place in the flat gradient.</summary>
    /// <param name="sums">[columns / 16][taps][rows][16].</param>
    /// <param name="channelOf">The column's channel for each float of it, or -1.</param>
    /// <param name="taps">Kernel elements.</param>
    /// <param name="rows">Channels of the rows, which are the weight's inputs.</param>
    /// <param name="strides">Where the weight is; with inputs and outputs exchanged if they are here.</param>
    /// <param name="gradient">The flat gradient.</param>
    /// <param name="adds">Whether they are added to what is there, not to zero.</param>
    protected static void Unpack(
        float* sums, int[] channelOf, int taps, int rows, in WeightStrides strides, Span<float> gradient, bool adds)
    {
        const int group = ActivationNode.ChannelGroup;
        fixed (float* weights = gradient[strides.Start..])
        {
            nint plane = (nint)rows * group;
            for (int first = 0; first < channelOf.Length; first += group, sums += (taps - 1) * plane)
            {
                float* weight = weights + (channelOf[first] * strides.Out);
                int channels = group - channelOf.AsSpan(first, group).Count(-1);
                for (int row = 0; row < rows; row++, weight += strides.In, sums += group)
                {
                    WeightRows.Scatter(sums, plane, taps, channels, weight, strides.Out, adds);
                }
            }
        }
    }

    /// <summary>Carries lines of the output's gradient back through the activation; adds them to the bias.</summary>
    protected void CarryBack(in WeightGradientCall call, int y, int lines)
    {
        nint at = (nint)y * output.LineFloats;
        for (; lines > 0; lines--, at += output.LineFloats)
        {
            if (call.Activation != ActivationKind.None)
            {
                call.Kernels.ActivateBackward(call.Activation, new BackwardLine
                {
                    Output = call.Output + at,
                    OutputGradient = call.OutputGradient + at,
                    Pixel = output.PixelFloats,
                    InputGradient = call.OutputGradient + at,
                    InputPixel = output.PixelFloats,
                    Pixels = output.Shape.W,
                    Channels = output.Floats,
                    Accumulate = false,
                });
            }

            if (call.BiasSums != null)
            {
                call.Kernels.AddPixels(
                    call.OutputGradient + at, output.PixelFloats, output.Shape.W, output.Floats, call.BiasSums);
            }
        }
    }
}

/// <summary>The way of a pass's images through a <see cref="WeightGradientPass"/>.</summary>
internal readonly unsafe struct WeightGradientCall
{
    /// <summary>At which vector width.</summary>
    public required KernelSet Kernels { get; init; }

    /// <summary>The first image's input: its first channel of pixel (0, 0).</summary>
    public required float* Input { get; init; }

    /// <summary>The same of the output.</summary>
    public required float* Output { get; init; }

    /// <summary>How many images, each behind the other as their nodes say.</summary>
    public required int Images { get; init; }

    /// <summary>The same of its gradient; overwritten by the gradient of what the activation was applied to.</summary>
    public required float* OutputGradient { get; init; }

    /// <summary>What was applied to the result.</summary>
    public required ActivationKind Activation { get; init; }

    /// <summary>Added to, one a float of an output pixel; null without a bias.</summary>
    public required float* BiasSums { get; init; }

    /// <summary>Added to.</summary>
    public required float* Sums { get; init; }

    /// <summary>Whether there is nothing to add to yet: sums are arbitrary, and count as zero.</summary>
    public bool Overwrites { get; init; }

    /// <summary>The calling thread's scratch memory.</summary>
    public required float* Scratch { get; init; }

    /// <summary>One image's way alone.</summary>
    public WeightGradientCall Only(int image, ActivationNode input, ActivationNode output) => this with
    {
        Input = Input + (image * (nint)input.ImageFloats),
        Output = Output + (image * (nint)output.ImageFloats),
        OutputGradient = OutputGradient + (image * (nint)output.ImageFloats),
        Images = 1,
        Overwrites = Overwrites && image == 0,
    };
}
