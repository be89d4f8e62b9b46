namespace Distributed.Framework.Execution;

/// <summary>Copies an activation to one with a channel more, in which every pixel is the image's noise level.</summary>
internal sealed unsafe class NoiseLevelOperation(ActivationNode input, ActivationNode output)
    : ChannelCopyOperation(input, output)
{
    public override void Forward(Workspace workspace, Replica replica)
    {
        base.Forward(workspace, replica);
        for (int image = 0; image < workspace.Images; image++)
        {
            float level = workspace.NoiseLevel(image);
            for (int y = 0; y < Output.Shape.H; y++)
            {
                float* pixel =
                    workspace.Activation(Output, image) + ((nint)y * Output.LineFloats) + Output.Shape.C - 1;
                for (int x = 0; x < Output.Shape.W; x++, pixel += Output.PixelFloats)
                {
                    *pixel = level;
                }
            }
        }
    }
}
