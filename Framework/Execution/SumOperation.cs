using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>The sum of two activations; carries the gradient back to its input alone.</summary>
/// <remarks>All three hold their channels at the same places; they may differ in border.</remarks>
internal sealed unsafe class SumOperation(ActivationNode input, ActivationNode other, ActivationNode output)
    : Operation(input, output)
{
    public override IEnumerable<ActivationNode> Reads => [Input, other];

    public override void Bind()
    {
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        for (int image = 0; image < workspace.Images; image++)
        {
            for (int y = 0; y < Input.Shape.H; y++)
            {
                workspace.Kernels.AddLines(new SumLine
                {
                    A = workspace.Activation(other, image) + ((nint)y * other.LineFloats),
                    APixel = other.PixelFloats,
                    B = workspace.Activation(Input, image) + ((nint)y * Input.LineFloats),
                    BPixel = Input.PixelFloats,
                    Target = workspace.Activation(Output, image) + ((nint)y * Output.LineFloats),
                    TargetPixel = Output.PixelFloats,
                    Pixels = Input.Shape.W,
                    Channels = Input.Floats,
                });
            }
        }
    }

    public override void Backward(Workspace workspace, Replica replica) => CopyGradient(workspace);
}

/// <summary>The other half of a sum's backward pass: gives the output's gradient to the second summand.</summary>
internal sealed class SumGradientOperation(ActivationNode input, ActivationNode output) : Operation(input, output)
{
    public override void Bind()
    {
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
    }

    public override void Backward(Workspace workspace, Replica replica) => CopyGradient(workspace);
}
