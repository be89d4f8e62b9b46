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

/// <summary>A convolution by its definition, between two laid-out activations.</summary>
/// <remarks>
/// Where the input has few channels, the lines that an output line reads are copied first, pixel to pixel without
/// padding, so that the kernel finds one long run a line instead of many short ones: the same sum in the same order.
/// </remarks>
internal sealed unsafe class ConvolutionProgram : ConvolutionPass
{
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly int _k;
    private readonly WeightStrides _strides;
    private readonly int[] _channelOf;
    private readonly Stage[] _stages;
    private readonly bool _isDense;

    public ConvolutionProgram(
        ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
    {
        _input = input;
        _output = output;
        _k = geometry.K;
        _strides = strides;
        _channelOf = output.ChannelOfFloat();
        _isDense = _k > 1 && input.Channels is [{ Count: <= FewChannels.ChannelsMax }];
        int packedFloats = 0;
        List<Stage> stages = [];
        foreach (ConvolutionPhase phase in geometry.Phases(output.Shape.H, output.Shape.W))
        {
            stages.Add(new Stage(phase, input, packedFloats, _isDense));
            ScratchFloats = Math.Max(ScratchFloats, stages[^1].Lines?.Floats ?? 0);
            packedFloats = checked(packedFloats + (stages[^1].Runs.Depth * output.Floats));
        }

        PackedFloats = packedFloats;
        _stages = [.. stages];
    }

    /// <summary>Floats of the packed weights: for each phase [output floats / 16][depth][16].</summary>
    public override int PackedFloats { get; }

    public override int ScratchFloats { get; }

    public override void Pack(KernelSet kernels, ReadOnlySpan<float> parameters, Span<float> packed)
    {
        const int group = ActivationNode.ChannelGroup;
        if (_output.Floats > _output.Shape.C)
        {
            packed.Clear();
        }

        fixed (float* weights = parameters[_strides.Start..])
        fixed (float* start = packed)
        {
            float* target = start;
            foreach (Stage stage in _stages)
            {
                // All taps of a channel follow each other, those of a phase of a transposed convolution do not.
                Tap[] taps = stage.Phase.Taps;
                int count = _stages.Length == 1 && taps.Length == _k * _k ? taps.Length : 1;
                nint plane = (nint)_input.Shape.C * group;
                for (int first = 0; first < _output.Floats; first += group, target += (taps.Length - 1) * plane)
                {
                    float* source = weights + (_channelOf[first] * _strides.Out);
                    int channels = _output.ChannelsOfGroup(first);
                    for (int i = 0; i < _input.Shape.C; i++, source += _strides.In, target += group)
                    {
                        for (int tap = 0; tap < taps.Length; tap += count)
                        {
                            float* weight = source + (taps[tap].Ky * _k) + taps[tap].Kx;
                            WeightRows.Gather(weight, _strides.Out, count, channels, target + (tap * plane), plane);
                        }
                    }
                }
            }
        }
    }

    public override void Run(in ConvolutionCall call)
    {
        for (int image = 0; image < call.Images; image++)
        {
            ConvolutionCall one = call.Only(image, _input, _output);
            RunImage(one);
            one.AddAddend(_output, 0, 0, _output.Shape.H, _output.Shape.W);
        }
    }

    private void RunImage(in ConvolutionCall call)
    {
        nint inputLine = _input.LineFloats;
        nint outputLine = _output.LineFloats;
        foreach (Stage stage in _stages)
        {
            ConvolutionPhase phase = stage.Phase;
            nint sourcePixel = (nint)phase.InStride * _input.PixelFloats;
            nint outputPixel = (nint)phase.OutStride * _output.PixelFloats;
            for (int line = 0; line < phase.Lines; line++)
            {
                nint inY = phase.InY + ((nint)line * phase.InStride);
                nint outY = phase.OutY + ((nint)line * phase.OutStride);
                float* target = call.Output + (outY * outputLine) + ((nint)phase.OutX * _output.PixelFloats);
                float* source = call.Input + (inY * inputLine) + ((nint)phase.InX * _input.PixelFloats);
                if (stage.Lines is { } dense)
                {
                    dense.Fill(source, call.Scratch, isFirst: line == 0);
                    Multiply(call, stage, call.Scratch, dense.OutputStep, target, outputPixel);
                }
                else
                {
                    Multiply(call, stage, source, sourcePixel, target, outputPixel);
                }

                if (call.Activation.Formula is not (ActivationFormula.None or ActivationFormula.ReLU))
                {
                    call.Kernels.Activate(
                        call.Activation, target, outputPixel, target, outputPixel, phase.Pixels, _output.Floats);
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
            Runs = stage.Runs.Runs,
            Blocks = stage.Runs.Blocks,
            BlockCount = stage.Runs.BlockCount,
            Depth = stage.Runs.Depth,
            Weights = packed + stage.PackedStart,
            Start = start,
            Output = output,
            OutputPixel = (nint)_output.ImageFloats,
            Pixels = images,
            Channels = _output.VectorFloats,
        });
    }

    /// <summary>One line of output pixels.</summary>
    private void Multiply(
        in ConvolutionCall call, Stage stage, float* source, nint sourcePixel, float* target, nint targetPixel)
    {
        foreach (Run run in _output.Channels)
        {
            call.Kernels.Convolve(new ConvolutionLine
            {
                Input = source,
                InputPixel = sourcePixel,
                Runs = stage.Runs.Runs,
                Blocks = stage.Runs.Blocks,
                BlockCount = stage.Runs.BlockCount,
                Depth = stage.Runs.Depth,
                Weights = call.Packed + stage.PackedStart + ((nint)run.Offset * stage.Runs.Depth),
                Start = call.Start == null ? null : call.Start + run.Offset,
                Output = target + run.Offset,
                OutputPixel = targetPixel,
                Pixels = stage.Phase.Pixels,
                Channels = ActivationNode.WholeVectors(run.Count),
                Prefetches = _output.ImageFloats >= CacheLine.FarFloats,
                Rectifies = call.Activation.Formula == ActivationFormula.ReLU,
            });
        }
    }

    /// <summary>A phase with its runs.</summary>
    private sealed class Stage
    {
        public Stage(ConvolutionPhase phase, ActivationNode input, int packedStart, bool isDense)
        {
            Phase = phase;
            PackedStart = packedStart;
            if (isDense && phase.Taps.Length > 0)
            {
                Lines = new DenseLines(phase, input);
                Runs = new RunTable(Lines.Runs);
                return;
            }

            List<Run> runs = [];
            foreach (Tap tap in phase.Taps)
            {
                int pixel = checked((tap.Dy * input.LineFloats) + (tap.Dx * input.PixelFloats));
                runs.AddRange(input.Channels.Select(channels => new Run(pixel + channels.Offset, channels.Count)));
            }

            Runs = new RunTable(runs);
        }

        public ConvolutionPhase Phase { get; }

        public int PackedStart { get; }

        public RunTable Runs { get; }

        /// <summary>Copies of the lines that an output line reads, if the runs are in them.</summary>
        public DenseLines? Lines { get; }
    }
}
