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

    /// <summary>Computes one image.</summary>
    public abstract void Run(in ConvolutionCall call);
}

/// <summary>One image's way through a <see cref="ConvolutionPass"/>.</summary>
internal readonly unsafe struct ConvolutionCall
{
    /// <summary>At which vector width.</summary>
    public required KernelSet Kernels { get; init; }

    /// <summary>The input's first channel of pixel (0, 0).</summary>
    public required float* Input { get; init; }

    /// <summary>The output's first channel of pixel (0, 0), overwritten or added to.</summary>
    public required float* Output { get; init; }

    /// <summary>The packed weights.</summary>
    public required float* Packed { get; init; }

    /// <summary>What sums start from, one a float of an output pixel; null to add to the output.</summary>
    public required float* Start { get; init; }

    /// <summary>The calling thread's scratch memory.</summary>
    public required float* Scratch { get; init; }

    /// <summary>Applied to the result; None if the pass adds to the output.</summary>
    public required ActivationKind Activation { get; init; }
}

/// <summary>One way to compute a convolution's weight gradient.</summary>
internal abstract unsafe class WeightGradientPass
{
    /// <summary>Floats of the sums that a leaf adds up.</summary>
    public abstract int SumFloats { get; }

    /// <summary>Floats of a thread's scratch memory.</summary>
    public virtual int ScratchFloats => 0;

    /// <summary>Adds one image.</summary>
    /// <param name="kernels">At which vector width.</param>
    /// <param name="input">The input's first channel of pixel (0, 0).</param>
    /// <param name="outputGradient">The same of the output's gradient.</param>
    /// <param name="sums">Added to.</param>
    /// <param name="scratch">The calling thread's scratch memory.</param>
    public abstract void Accumulate(
        KernelSet kernels, float* input, float* outputGradient, float* sums, float* scratch);

    /// <summary>Adds sums to the weight's place in the flat gradient.</summary>
    public abstract void Unpack(KernelSet kernels, float* sums, Span<float> gradient);
}
