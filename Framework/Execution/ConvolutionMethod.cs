using Distributed.Framework.Tensors;

namespace Distributed.Framework.Execution;

/// <summary>The kernels that one convolution uses in all three directions.</summary>
internal sealed class ConvolutionMethod
{
    /// <summary>Fewest channels, on either side, for which Winograd's transforms pay.</summary>
    private const int WinogradChannelsMin = 16;

    /// <summary>Fewest input channels for which products with all kernel elements are worth their additions.</summary>
    private const int ManyChannelsMin = 16;

    /// <summary>Outputs of a Winograd tile's side; 0 for the direct method.</summary>
    private readonly int _outputs;

    /// <summary>Whether convolutions to few channels have programs of their own.</summary>
    private readonly bool _favoursFew;

    private ConvolutionMethod(int outputs, bool favoursFew)
    {
        _outputs = outputs;
        _favoursFew = favoursFew;
    }

    /// <summary>Chooses by kernel, stride and channels alone: so bits are equal everywhere, at every size.</summary>
    public static ConvolutionMethod Choose(
        ConvolutionAlgorithm algorithm, ConvolutionGeometry geometry, int inputChannels, int outputChannels)
    {
        bool isAuto = algorithm == ConvolutionAlgorithm.Auto;
        int outputs = algorithm switch
        {
            ConvolutionAlgorithm.Winograd4 => 4,
            ConvolutionAlgorithm.Winograd2 => 2,
            ConvolutionAlgorithm.Auto when Math.Min(inputChannels, outputChannels) >= WinogradChannelsMin => 4,
            _ => 0,
        };
        return new ConvolutionMethod(WinogradGrid.Fits(geometry) ? outputs : 0, isAuto);
    }

    /// <summary>Zero pixels needed around the input.</summary>
    public int InputBorder(ConvolutionGeometry geometry, ImageShape input, ImageShape output)
    {
        int border = geometry.Border(input.H, input.W, output.H, output.W);
        if (_outputs == 0)
        {
            return border;
        }

        WinogradGrid grid = new(_outputs, geometry, output.H, output.W);
        return Math.Max(border, grid.InputBorder(input.H, input.W));
    }

    /// <summary>Zero pixels needed around the output, whose gradient is read both ways back.</summary>
    public int OutputBorder(ConvolutionGeometry geometry, ImageShape input, ImageShape output)
    {
        int border = geometry.Adjoint.Border(output.H, output.W, input.H, input.W);
        if (_outputs == 0)
        {
            return border;
        }

        WinogradGrid grid = new(_outputs, geometry, output.H, output.W);
        WinogradGrid adjoint = new(_outputs, geometry.Adjoint, input.H, input.W);
        return Math.Max(
            Math.Max(border, grid.OutputBorder(output.H, output.W)), adjoint.InputBorder(output.H, output.W));
    }

    public ConvolutionPass CreatePass(
        ConvolutionGeometry geometry,
        ActivationNode input,
        ActivationNode output,
        WeightStrides strides,
        int images)
    {
        if (_outputs > 0)
        {
            return new WinogradProgram(_outputs, geometry, input, output, strides, images);
        }

        return IsFromManyToFew(geometry, input, output)
            ? new FewOutputsProgram(geometry, input, output, strides)
            : new ConvolutionProgram(geometry, input, output, strides);
    }

    public WeightGradientPass CreateWeightGradient(
        ConvolutionGeometry geometry,
        ActivationNode input,
        ActivationNode output,
        WeightStrides strides,
        int images)
    {
        if (_outputs > 0)
        {
            return new WinogradWeightGradient(_outputs, geometry, input, output, strides, images);
        }

        return IsFromManyToFew(geometry, input, output)
            ? new FewOutputsWeightGradient(geometry, input, output, strides)
            : new DirectWeightGradient(geometry, input, output, strides);
    }

    private bool IsFromManyToFew(ConvolutionGeometry geometry, ActivationNode input, ActivationNode output) =>
        _favoursFew && input.Shape.C >= ManyChannelsMin && geometry.K > 1 && FewOutputsProgram.Fits(geometry, output);
}
