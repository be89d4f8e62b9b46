namespace Distributed.Framework.Execution;

/// <summary>Rearranges channels as square blocks of pixels, or such blocks as channels.</summary>
/// <remarks>
/// Channel c r r + ry r + rx of pixel (i, j) of the small image, which has r r times the channels, is channel c of
/// pixel (i r + ry, j r + rx) of the large one, r the side of a block. Exact: it copies, and adds at most once.
/// </remarks>
/// <param name="input">What it reads.</param>
/// <param name="output">What it writes.</param>
/// <param name="scale">Side of a block.</param>
/// <param name="unshuffle">Whether the input is the large image.</param>
internal sealed unsafe class PixelShuffleOperation(
    ActivationNode input, ActivationNode output, int scale, bool unshuffle) : Operation(input, output)
{
    private int[] _smallOffsets = [];
    private int[] _largeOffsets = [];

    private ActivationNode Small => unshuffle ? Output : Input;

    private ActivationNode Large => unshuffle ? Input : Output;

    public override void Bind()
    {
        _smallOffsets = OffsetsByPlace(Small);
        _largeOffsets = Offsets(Large);
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        for (int image = 0; image < workspace.Images; image++)
        {
            float* small = workspace.Activation(Small, image);
            float* large = workspace.Activation(Large, image);
            if (unshuffle)
            {
                ToSmall(small, large, accumulate: false);
            }
            else
            {
                ToLarge(small, large, accumulate: false);
            }
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        bool accumulate = InputGradient == GradientMode.Accumulate;
        for (int image = 0; InputGradient != GradientMode.Skip && image < workspace.Images; image++)
        {
            float* small = workspace.Gradient(Small, image);
            float* large = workspace.Gradient(Large, image);
            if (unshuffle)
            {
                ToLarge(small, large, accumulate);
            }
            else
            {
                ToSmall(small, large, accumulate);
            }
        }
    }

    private static int[] Offsets(ActivationNode node) =>
        [.. node.Channels.SelectMany(run => Enumerable.Range(run.Offset, run.Count))];

    /// <summary>Of the small image's channels, in the order of their places in a block: (ry, rx, c).</summary>
    private int[] OffsetsByPlace(ActivationNode node)
    {
        int[] offsets = Offsets(node);
        int places = scale * scale;
        int channels = offsets.Length / places;
        return [.. Enumerable.Range(0, offsets.Length).Select(i => offsets[(i % channels * places) + (i / channels)])];
    }

    private void ToSmall(float* small, float* large, bool accumulate)
    {
        nint smallPixel = Small.PixelFloats;
        nint largePixel = Large.PixelFloats;
        fixed (int* smallOffsets = _smallOffsets, largeOffsets = _largeOffsets)
        {
            for (int y = 0; y < Large.Shape.H; y++)
            {
                float* line = LineOfSmall(small, y);
                float* here = LineOfLarge(large, y);
                for (int x = 0; x < Large.Shape.W; x++, here += largePixel)
                {
                    float* there = line + (x / scale * smallPixel);
                    int* offsets = smallOffsets + Place(y, x);
                    for (int c = 0; c < _largeOffsets.Length; c++)
                    {
                        float value = here[largeOffsets[c]];
                        there[offsets[c]] = accumulate ? there[offsets[c]] + value : value;
                    }
                }
            }
        }
    }

    private void ToLarge(float* small, float* large, bool accumulate)
    {
        nint smallPixel = Small.PixelFloats;
        nint largePixel = Large.PixelFloats;
        fixed (int* smallOffsets = _smallOffsets, largeOffsets = _largeOffsets)
        {
            for (int y = 0; y < Large.Shape.H; y++)
            {
                float* line = LineOfSmall(small, y);
                float* there = LineOfLarge(large, y);
                for (int x = 0; x < Large.Shape.W; x++, there += largePixel)
                {
                    float* here = line + (x / scale * smallPixel);
                    int* offsets = smallOffsets + Place(y, x);
                    for (int c = 0; c < _largeOffsets.Length; c++)
                    {
                        float value = here[offsets[c]];
                        there[largeOffsets[c]] = accumulate ? there[largeOffsets[c]] + value : value;
                    }
                }
            }
        }
    }

    private float* LineOfSmall(float* small, int y) => small + ((nint)(y / scale) * Small.LineFloats);

    private float* LineOfLarge(float* large, int y) => large + ((nint)y * Large.LineFloats);

    /// <summary>Where the offsets of a block's place begin.</summary>
    private int Place(int y, int x) => ((y % scale * scale) + (x % scale)) * _largeOffsets.Length;
}
