using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>Maximum over square windows; remembers which pixel it was.</summary>
/// <param name="input">What it reads.</param>
/// <param name="output">What it writes; its channels lie as the input's.</param>
/// <param name="taps">Where forward keeps the place of each maximum.</param>
/// <param name="k">Side of the window.</param>
/// <param name="stride">Distance between windows.</param>
/// <param name="padding">Pixels around the image, which take no part.</param>
internal sealed unsafe class MaxPoolOperation(
    ActivationNode input, ActivationNode output, ActivationNode taps, int k, int stride, int padding)
    : Operation(input, output)
{
    private bool IsOverlapping => stride < k;

    /// <summary>Whether every pixel belongs to exactly one window.</summary>
    private bool CoversInput =>
        stride == k && padding == 0 && Input.Shape.H % k == 0 && Input.Shape.W % k == 0;

    public override void Bind()
    {
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        for (int image = 0; image < workspace.Images; image++)
        {
            float* source = workspace.Activation(Input, image);
            float* target = workspace.Activation(Output, image);
            for (int y = 0; y < Output.Shape.H; y++)
            {
                workspace.Kernels.MaxPool(Line(workspace, image, y, source, target, accumulate: false));
            }
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        if (InputGradient == GradientMode.Skip)
        {
            return;
        }

        if (InputGradient == GradientMode.Overwrite && !CoversInput)
        {
            // Some pixels may belong to several windows, or to none.
            workspace.ClearGradient(Input);
        }

        bool accumulate = IsOverlapping || InputGradient == GradientMode.Accumulate;
        for (int image = 0; image < workspace.Images; image++)
        {
            float* inputGradient = workspace.Gradient(Input, image);
            float* outputGradient = workspace.Gradient(Output, image);
            for (int y = 0; y < Output.Shape.H; y++)
            {
                workspace.Kernels.MaxPoolBackward(
                    Line(workspace, image, y, inputGradient, outputGradient, accumulate));
            }
        }
    }

    private PoolingLine Line(
        Workspace workspace, int image, int y, float* input, float* output, bool accumulate) => new()
        {
            Input = input,
            InputPixel = Input.PixelFloats,
            InputLine = Input.LineFloats,
            H = Input.Shape.H,
            W = Input.Shape.W,
            K = k,
            Stride = stride,
            Padding = padding,
            Y = y,
            Output = output + ((nint)y * Output.LineFloats),
            OutputPixel = Output.PixelFloats,
            Taps = workspace.IsTraining ? workspace.Activation(taps, image) + ((nint)y * taps.LineFloats) : null,
            TapsPixel = taps.PixelFloats,
            Pixels = Output.Shape.W,
            Channels = Input.Floats,
            Accumulate = accumulate,
        };
}
