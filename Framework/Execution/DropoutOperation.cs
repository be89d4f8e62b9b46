using System.Runtime.InteropServices;
using Distributed.Framework.Kernels;
using Distributed.Framework.Randomness;

namespace Distributed.Framework.Execution;

/// <summary>Multiplies each element by 0 with probability p, else by 1 / (1 - p); copies outside training.</summary>
/// <remarks>
/// Element (c, y, x) is kept if word (y W + x) C' + c of Philox, as a number within [0, 1), is at least p; C' is C
/// rounded up to a multiple of 4. The key is (seed, dropout), the counters are step, sample and layer. Backward draws
/// the same numbers again, which takes no memory.
/// </remarks>
/// <param name="input">What it reads.</param>
/// <param name="output">What it writes; its channels lie as the input's.</param>
/// <param name="p">Probability of a zero, within [0, 1).</param>
/// <param name="layer">Number among the layers that draw.</param>
internal sealed unsafe class DropoutOperation(ActivationNode input, ActivationNode output, double p, int layer)
    : Operation(input, output)
{
    private const int WordsPerBlock = 4;
    private readonly float _p = (float)p;
    private readonly float _scale = (float)(1 / (1 - p));

    /// <summary>The words of one line.</summary>
    public override int ScratchFloats => checked(Input.Shape.W * PixelWords);

    private int PixelWords => (Input.Shape.C + WordsPerBlock - 1) / WordsPerBlock * WordsPerBlock;

    public override void Bind()
    {
    }

    public override void Forward(Workspace workspace, Replica replica)
    {
        for (int image = 0; image < workspace.Images; image++)
        {
            for (int y = 0; y < Input.Shape.H; y++)
            {
                float* source = workspace.Activation(Input, image) + ((nint)y * Input.LineFloats);
                float* target = workspace.Activation(Output, image) + ((nint)y * Output.LineFloats);
                if (workspace.IsTraining)
                {
                    Span<uint> words = Draw(workspace, image, y);
                    Mask(words, source, Input.PixelFloats, target, Output.PixelFloats, accumulate: false);
                }
                else
                {
                    workspace.Kernels.Activate(
                        ActivationKind.None,
                        source,
                        Input.PixelFloats,
                        target,
                        Output.PixelFloats,
                        Input.Shape.W,
                        Input.Floats);
                }
            }
        }
    }

    public override void Backward(Workspace workspace, Replica replica)
    {
        bool accumulate = InputGradient == GradientMode.Accumulate;
        for (int image = 0; InputGradient != GradientMode.Skip && image < workspace.Images; image++)
        {
            for (int y = 0; y < Input.Shape.H; y++)
            {
                float* source = workspace.Gradient(Output, image) + ((nint)y * Output.LineFloats);
                float* target = workspace.Gradient(Input, image) + ((nint)y * Input.LineFloats);
                Span<uint> words = Draw(workspace, image, y);
                Mask(words, source, Output.PixelFloats, target, Input.PixelFloats, accumulate);
            }
        }
    }

    private Span<uint> Draw(Workspace workspace, int image, int y)
    {
        SampleKeys keys = workspace.Keys;
        Span<uint> words = MemoryMarshal.Cast<float, uint>(new Span<float>(workspace.Scratch(this), ScratchFloats));
        Philox random = new(keys.Seed, RandomPurpose.Dropout);
        uint sample = (uint)(keys.FirstSample + image);
        random.Fill((uint)keys.Step, sample, (uint)layer, checked((uint)y * (uint)ScratchFloats), words);
        return words;
    }

    private void Mask(
        ReadOnlySpan<uint> words, float* source, nint sourcePixel, float* target, nint targetPixel, bool accumulate)
    {
        for (int x = 0; x < Input.Shape.W; x++, source += sourcePixel, target += targetPixel)
        {
            ReadOnlySpan<uint> pixel = words.Slice(x * PixelWords, Input.Shape.C);
            int word = 0;
            foreach (Run channels in Input.Channels)
            {
                for (int c = channels.Offset; c < channels.Offset + channels.Count; c++)
                {
                    // A product, so that NaN stays NaN.
                    float value = source[c] * (Philox.ToUnitFloat(pixel[word++]) >= _p ? _scale : 0);
                    target[c] = accumulate ? target[c] + value : value;
                }
            }
        }
    }
}
