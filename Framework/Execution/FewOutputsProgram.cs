using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>A convolution of stride 1 with at most four outputs.</summary>
/// <remarks>
/// One matrix product a line, from the input's channels to the products with all kernel elements, which fill vectors
/// where outputs alone would not; then each output adds up its products from the pixels around. The order of a sum is
/// that of the channels, then of the kernel elements.
/// </remarks>
internal sealed unsafe class FewOutputsProgram : ConvolutionPass
{
    private const int Group = ActivationNode.ChannelGroup;

    private readonly int _k;
    private readonly int _offset;
    private readonly bool _isTurned;
    private readonly ActivationNode _input;
    private readonly ActivationNode _output;
    private readonly WeightStrides _strides;
    private readonly RunTable _runs;
    private readonly int _outputs;
    private readonly int _rowFloats;

    /// <summary>Pixels before a line's first that its outputs read.</summary>
    private readonly int _before;

    private readonly int _lineFloats;

    public FewOutputsProgram(
        ConvolutionGeometry geometry, ActivationNode input, ActivationNode output, WeightStrides strides)
    {
        _k = geometry.K;
        _isTurned = geometry.Transposed;
        _offset = _isTurned ? geometry.Padding - _k + 1 : -geometry.Padding;
        _input = input;
        _output = output;
        _strides = strides;
        _runs = new RunTable(input.Channels);
        _outputs = output.Shape.C;
        _rowFloats = FewChannels.RowFloats(_k * _k, _outputs);
        _before = Math.Max(0, -_offset);
        int pixels = Math.Max(_before + input.Shape.W, _before + _offset + output.Shape.W + _k - 1);
        _lineFloats = checked(pixels * _rowFloats);
        ScratchFloats = checked(_k * _lineFloats);
    }

    /// <summary>Zeros for the products to start from, then [row floats / 16][depth][16].</summary>
    public override int PackedFloats => checked(_rowFloats + (_runs.Depth * _rowFloats));

    /// <summary>K lines of products.</summary>
    public override int ScratchFloats { get; }

    /// <summary>Whether it takes a convolution.</summary>
    public static bool Fits(ConvolutionGeometry geometry, ActivationNode output) =>
        geometry.Stride == 1 && geometry.K * geometry.K <= FewChannels.TapsMax
        && output.Shape.C <= FewChannels.ChannelsMax && output.Channels.Length == 1;

    public override void Pack(KernelSet kernels, ReadOnlySpan<float> parameters, Span<float> packed)
    {
        packed[.._rowFloats].Clear();
        packed = packed[_rowFloats..];
        int taps = _k * _k;
        for (int first = 0; first < _rowFloats; first += Group)
        {
            for (int i = 0; i < _runs.Depth; i++, packed = packed[Group..])
            {
                for (int lane = 0; lane < Group; lane++)
                {
                    (int place, int channel) = Math.DivRem(first + lane, _outputs);
                    int tap = _isTurned ? taps - 1 - place : place;
                    packed[lane] = place >= taps
                        ? 0
                        : parameters[_strides.Start + (i * _strides.In) + (channel * _strides.Out) + tap];
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
        new Span<float>(call.Scratch, ScratchFloats).Clear();
        float** lines = stackalloc float*[_k];
        for (int i = 0; i < _k - 1; i++)
        {
            Multiply(call, _offset + i);
        }

        for (int y = 0; y < _output.Shape.H; y++)
        {
            Multiply(call, y + _offset + _k - 1);
            for (int i = 0; i < _k; i++)
            {
                lines[i] = Line(call.Scratch, y + _offset + i) + ((nint)(_before + _offset) * _rowFloats);
            }

            float* output = call.Output + ((nint)y * _output.LineFloats);
            nint pixel = _output.PixelFloats;
            int width = _output.Shape.W;
            FewChannels.AddShifted(lines, _k, _outputs, _rowFloats, call.Start, output, pixel, width);
            if (call.Activation != ActivationKind.None)
            {
                call.Kernels.Activate(call.Activation, output, pixel, output, pixel, width, _output.Floats);
            }
        }
    }

    /// <summary>The products of an input line with all kernel elements; zeros if the image has no such line.</summary>
    private void Multiply(in ConvolutionCall call, int y)
    {
        float* line = Line(call.Scratch, y) + ((nint)_before * _rowFloats);
        if (y < 0 || y >= _input.Shape.H)
        {
            new Span<float>(line, _input.Shape.W * _rowFloats).Clear();
            return;
        }

        call.Kernels.Convolve(new ConvolutionLine
        {
            Input = call.Input + ((nint)y * _input.LineFloats),
            InputPixel = _input.PixelFloats,
            Runs = _runs.Runs,
            Blocks = _runs.Blocks,
            BlockCount = _runs.BlockCount,
            Depth = _runs.Depth,
            Weights = call.Packed + _rowFloats,
            Start = call.Packed,
            Output = line,
            OutputPixel = _rowFloats,
            Pixels = _input.Shape.W,
            Channels = ActivationNode.WholeVectors(_k * _k * _outputs),
        });
    }

    /// <summary>K lines in turn.</summary>
    private float* Line(float* scratch, int y)
    {
        int remainder = y % _k;
        return scratch + ((nint)(remainder < 0 ? remainder + _k : remainder) * _lineFloats);
    }
}
