using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>An elementwise function that could not be fused into the operation before it, or a plain copy.</summary>
/// <remarks>The output must hold its channels where the input does: the two may differ in border only.</remarks>
internal sealed unsafe class ActivationOperation(ActivationNode input, ActivationNode output, ActivationKind kind)
    : Operation(input, output)
{
    public override void Bind()
    {
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        for (int image = 0; image < workspace.Images; image++)
        {
            float* source = workspace.Activation(Input, image);
            float* target = workspace.Activation(Output, image);
            for (int y = 0; y < Input.Shape.H; y++)
            {
                workspace.Kernels.Activate(
                    kind,
                    source + ((nint)y * Input.LineFloats),
                    Input.PixelFloats,
                    target + ((nint)y * Output.LineFloats),
                    Output.PixelFloats,
                    Input.Shape.W,
                    Input.Floats);
            }
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        if (InputGradient == GradientMode.Skip)
        {
            return;
        }

        for (int image = 0; image < workspace.Images; image++)
        {
            for (int y = 0; y < Input.Shape.H; y++)
            {
                nint outputLine = (nint)y * Output.LineFloats;
                workspace.Kernels.ActivateBackward(kind, new BackwardLine
                {
                    Output = workspace.Activation(Output, image) + outputLine,
                    OutputGradient = workspace.Gradient(Output, image) + outputLine,
                    Pixel = Output.PixelFloats,
                    InputGradient = workspace.Gradient(Input, image) + ((nint)y * Input.LineFloats),
                    InputPixel = Input.PixelFloats,
                    Pixels = Input.Shape.W,
                    Channels = Input.Floats,
                    Accumulate = InputGradient == GradientMode.Accumulate,
                });
            }
        }
    }
}
