using System.Runtime.CompilerServices;
using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>Floats between neighbours in a PyTorch weight, seen from one direction of a convolution.</summary>
/// <param name="Start">Where the weight begins in the flat parameters.</param>
/// <param name="Out">From one output channel to the next.</param>
/// <param name="In">From one input channel to the next.</param>
internal readonly record struct WeightStrides(int Start, int Out, int In)
{
    /// <summary>The same weight with inputs and outputs exchanged.</summary>
    public WeightStrides Swapped => new(Start, In, Out);
}

/// <summary>A convolution between two laid-out activations: everything the kernels need, worked out once.</summary>
internal sealed unsafe class ConvolutionProgram
{
    /// <summary>Weights of a block of runs, times 16 floats, should fit the first-level cache.</summary>
    private const int BlockDepthMax = 384;

    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly int _k;
    private readonly WeightStrides _strides;
    private readonly int[] _channelOf;
    private readonly Stage[] _stages;

    public ConvolutionProgram(
        ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
    {
        _input = input;
        _output = output;
        _k = geometry.K;
        _strides = strides;
        _channelOf = output.ChannelOfFloat();
        List<Stage> stages = [];
        foreach (ConvolutionPhase phase in geometry.Phases(output.Shape.H, output.Shape.W))
        {
            stages.Add(new Stage(phase, input, PackedFloats));
            PackedFloats = checked(PackedFloats + (stages[^1].Depth * output.Floats));
        }

        _stages = [.. stages];
    }

    /// <summary>Floats of the packed weights: for each phase [output floats / 16][depth][16].</summary>
    public int PackedFloats { get; }

    /// <summary>Brings the weights into the order in which the kernel reads them.</summary>
    public void Pack(ReadOnlySpan<float> parameters, Span<float> packed)
    {
        foreach (Stage stage in _stages)
        {
            Span<float> target = packed.Slice(stage.PackedStart, stage.Depth * _output.Floats);
            for (int group = 0; group < _output.Floats; group += ActivationNode.ChannelGroup)
            {
                ReadOnlySpan<int> channels = _channelOf.AsSpan(group, ActivationNode.ChannelGroup);
                foreach (Tap tap in stage.Phase.Taps)
                {
                    for (int i = 0; i < _input.Shape.C; i++)
                    {
                        int source = _strides.Start + (i * _strides.In) + (tap.Ky * _k) + tap.Kx;
                        for (int lane = 0; lane < channels.Length; lane++)
                        {
                            int channel = channels[lane];
                            target[lane] = channel < 0 ? 0 : parameters[source + (channel * _strides.Out)];
                        }

                        target = target[ActivationNode.ChannelGroup..];
                    }
                }
            }
        }
    }

    /// <summary>Computes one image.</summary>
    /// <param name="kernels">At which vector width.</param>
    /// <param name="input">The input's first channel of pixel (0, 0).</param>
    /// <param name="output">The output's first channel of pixel (0, 0), overwritten or added to.</param>
    /// <param name="packed">The packed weights.</param>
    /// <param name="start">What sums start from, one a float of an output pixel; null to add to the output.</param>
    /// <param name="activation">Applied to each line while it is in the cache.</param>
    public void Run(
        KernelSet kernels, float* input, float* output, float* packed, float* start, ActivationKind activation)
    {
        foreach (Stage stage in _stages)
        {
            ConvolutionPhase phase = stage.Phase;
            nint outputPixel = (nint)phase.OutStride * _output.PixelFloats;
            for (int line = 0; line < phase.Lines; line++)
            {
                nint inY = phase.InY + ((nint)line * phase.InStride);
                nint outY = phase.OutY + ((nint)line * phase.OutStride);
                float* target = output + (outY * _output.LineFloats) + ((nint)phase.OutX * _output.PixelFloats);
                kernels.Convolve(new ConvolutionLine
                {
                    Input = input + (inY * _input.LineFloats) + ((nint)phase.InX * _input.PixelFloats),
                    InputPixel = (nint)phase.InStride * _input.PixelFloats,
                    Runs = stage.Runs,
                    Blocks = stage.Blocks,
                    BlockCount = stage.BlockCount,
                    Depth = stage.Depth,
                    Weights = packed + stage.PackedStart,
                    Start = start,
                    Output = target,
                    OutputPixel = outputPixel,
                    Pixels = phase.Pixels,
                    Channels = _output.Floats,
                });
                if (activation != ActivationKind.None)
                {
                    kernels.Activate(
                        activation, target, outputPixel, target, outputPixel, phase.Pixels, _output.Floats);
                }
            }
        }
    }

    /// <summary>Computes images of one pixel each, all in one product.</summary>
    /// <param name="kernels">At which vector width.</param>
    /// <param name="input">The first image's first channel.</param>
    /// <param name="output">The first image's first channel, overwritten or added to.</param>
    /// <param name="packed">The packed weights.</param>
    /// <param name="start">What sums start from, one a float of an output pixel; null to add to the output.</param>
    /// <param name="images">How many.</param>
    public void RunImages(KernelSet kernels, float* input, float* output, float* packed, float* start, int images)
    {
        Stage stage = _stages[0];
        kernels.Convolve(new ConvolutionLine
        {
            Input = input,
            InputPixel = (nint)_input.ImageFloats,
            Runs = stage.Runs,
            Blocks = stage.Blocks,
            BlockCount = stage.BlockCount,
            Depth = stage.Depth,
            Weights = packed + stage.PackedStart,
            Start = start,
            Output = output,
            OutputPixel = (nint)_output.ImageFloats,
            Pixels = images,
            Channels = _output.Floats,
        });
    }

    /// <summary>A phase with its runs, cut in blocks.</summary>
    private sealed class Stage
    {
        private readonly Run[] _runs;
        private readonly int[] _blocks;

        public Stage(ConvolutionPhase phase, ActivationNode input, int packedStart)
        {
            Phase = phase;
            PackedStart = packedStart;
            List<Run> runs = [];
            foreach (Tap tap in phase.Taps)
            {
                int pixel = checked((tap.Dy * input.LineFloats) + (tap.Dx * input.PixelFloats));
                foreach (Run channels in input.Channels)
                {
                    for (int i = 0; i < channels.Count; i += BlockDepthMax)
                    {
                        runs.Add(new Run(pixel + channels.Offset + i, Math.Min(BlockDepthMax, channels.Count - i)));
                    }
                }
            }

            Depth = runs.Sum(run => run.Count);
            _runs = GC.AllocateUninitializedArray<Run>(Math.Max(1, runs.Count), pinned: true);
            runs.CopyTo(_runs);
            Runs = (Run*)Unsafe.AsPointer(ref _runs[0]);
            List<int> blocks = CutInBlocks(runs);
            BlockCount = blocks.Count;
            _blocks = GC.AllocateUninitializedArray<int>(BlockCount, pinned: true);
            blocks.CopyTo(_blocks);
            Blocks = (int*)Unsafe.AsPointer(ref _blocks[0]);
        }

        public ConvolutionPhase Phase { get; }

        public int PackedStart { get; }

        public int Depth { get; }

        public Run* Runs { get; }

        public int* Blocks { get; }

        public int BlockCount { get; }

        /// <summary>Run counts of the blocks: one at least, even if empty, so that every output gets written.</summary>
        private static List<int> CutInBlocks(List<Run> runs)
        {
            List<int> blocks = [0];
            int depth = 0;
            foreach (Run run in runs)
            {
                if (blocks[^1] > 0 && depth + run.Count > BlockDepthMax)
                {
                    blocks.Add(0);
                    depth = 0;
                }

                blocks[^1]++;
                depth += run.Count;
            }

            return blocks;
        }
    }
}
