using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>Every pixel becomes a square block of copies.</summary>
/// <param name="input">What it reads.</param>
/// <param name="output">What it writes; its channels lie as the input's.</param>
/// <param name="scale">Side of a block.</param>
internal sealed unsafe class UpsampleOperation(ActivationNode input, ActivationNode output, int scale)
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
                workspace.Kernels.Upsample(Line(source, target, y));
            }
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        for (int image = 0; InputGradient != GradientMode.Skip && image < workspace.Images; image++)
        {
            float* target = workspace.Gradient(Input, image);
            float* source = workspace.Gradient(Output, image);
            for (int y = 0; y < Input.Shape.H; y++)
            {
                workspace.Kernels.UpsampleBackward(Line(target, source, y));
            }
        }
    }

    private UpsamplingLine Line(float* input, float* output, int y) => new()
    {
        Input = input + ((nint)y * Input.LineFloats),
        InputPixel = Input.PixelFloats,
        Output = output + ((nint)y * scale * Output.LineFloats),
        OutputPixel = Output.PixelFloats,
        OutputLine = Output.LineFloats,
        Scale = scale,
        Pixels = Input.Shape.W,
        Channels = Input.Floats,
        Accumulate = InputGradient == GradientMode.Accumulate,
    };
}
