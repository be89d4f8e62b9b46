namespace Distributed.Framework.Execution;

/// <summary>Copies an activation to one that holds the same elements elsewhere.</summary>
/// <remarks>
/// With <paramref name="flatten"/>, element (c, y, x) becomes channel (c H + y) W + x of one pixel, PyTorch's order.
/// Exact: it copies, and adds at most once.
/// </remarks>
internal unsafe class ChannelCopyOperation(ActivationNode input, ActivationNode output, bool flatten = false)
    : Operation(input, output)
{
    public override void Bind()
    {
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        for (int image = 0; image < workspace.Images; image++)
        {
            Copy(workspace.Activation(Input, image), workspace.Activation(Output, image), GradientMode.Skip);
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        for (int image = 0; InputGradient != GradientMode.Skip && image < workspace.Images; image++)
        {
            Copy(workspace.Gradient(Input, image), workspace.Gradient(Output, image), InputGradient);
        }
    }

    /// <summary>From the input's side to the output's, or back if a mode says how.</summary>
    private void Copy(float* input, float* output, GradientMode back)
    {
        nint inputPixel = Input.PixelFloats;
        nint inputLine = Input.LineFloats;
        nint outputPixel = flatten ? 1 : Output.PixelFloats;
        nint outputLine = flatten ? Input.Shape.W : Output.LineFloats;
        nint outputChannel = flatten ? (nint)Input.Shape.W * Input.Shape.H : 1;
        foreach (Kernels.Run channels in Input.Channels)
        {
            for (int c = 0; c < channels.Count; c++, output += outputChannel)
            {
                for (int y = 0; y < Input.Shape.H; y++)
                {
                    float* here = input + (y * inputLine) + channels.Offset + c;
                    float* there = output + (y * outputLine);
                    for (int x = 0; x < Input.Shape.W; x++, here += inputPixel, there += outputPixel)
                    {
                        switch (back)
                        {
                            case GradientMode.Skip:
                                *there = *here;
                                break;
                            case GradientMode.Overwrite:
                                *here = *there;
                                break;
                            default:
                                *here += *there;
                                break;
                        }
                    }
                }
            }
        }
    }
}
