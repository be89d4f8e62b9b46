using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>
/// The lines that one output line reads from an input of few channels, copied without the padding of its pixels.
/// </summary>
/// <remarks>
/// What a line of the kernel reads is one run then. Where kernel elements go from right to left, as they do on the way
/// back, so do the copies' pixels. From one output line to the next, lines that both read stay and move up.
/// </remarks>
internal sealed unsafe class DenseLines
{
    private readonly ActivationNode _input;
    private readonly int _channels;
    private readonly int _stride;
    private readonly int _lines;
    private readonly int _pixels;
    private readonly int _lineFloats;
    private readonly nint _start;
    private readonly nint _step;

    /// <param name="phase">Which has kernel elements.</param>
    /// <param name="input">Of one run of at most <see cref="FewChannels.ChannelsMax"/> channels.</param>
    public DenseLines(ConvolutionPhase phase, ActivationNode input)
    {
        _input = input;
        _channels = input.Shape.C;
        _stride = phase.InStride;
        int top = phase.Taps.Min(tap => tap.Dy);
        int left = phase.Taps.Min(tap => tap.Dx);
        int right = phase.Taps.Max(tap => tap.Dx);
        bool isTurned = phase.Taps[0].Dx > phase.Taps[^1].Dx;
        _lines = phase.Taps.Max(tap => tap.Dy) - top + 1;
        _pixels = checked(((phase.Pixels - 1) * _stride) + right - left + 1);
        _lineFloats = FewChannels.RowFloats(_pixels, _channels);
        int first = isTurned ? left + _pixels - 1 : left;
        _start = ((nint)top * input.LineFloats) + ((nint)first * input.PixelFloats) + input.Channels[0].Offset;
        _step = isTurned ? -input.PixelFloats : input.PixelFloats;
        OutputStep = (isTurned ? -_stride : _stride) * _channels;
        List<Run> runs = [];
        foreach (Tap tap in phase.Taps)
        {
            int pixel = isTurned ? first - tap.Dx : tap.Dx - first;
            int offset = checked(((tap.Dy - top) * _lineFloats) + (pixel * _channels));
            if (runs.Count > 0 && runs[^1].Offset + runs[^1].Count == offset)
            {
                runs[^1] = runs[^1] with { Count = runs[^1].Count + _channels };
            }
            else
            {
                runs.Add(new Run(offset, _channels));
            }
        }

        Runs = runs;
    }

    /// <summary>Floats of the copies.</summary>
    public int Floats => checked(_lines * _lineFloats);

    /// <summary>What output pixel 0 reads, from the copies' start.</summary>
    public IReadOnlyList<Run> Runs { get; }

    /// <summary>Floats from what an output pixel reads to what its right neighbour does; may be negative.</summary>
    public nint OutputStep { get; }

    /// <summary>Makes the copies for an output line.</summary>
    /// <param name="source">The input pixel that output pixel 0 starts from.</param>
    /// <param name="lines">The copies, those of the line above unless this is the first.</param>
    /// <param name="isFirst">Whether nothing is there yet.</param>
    public void Fill(float* source, float* lines, bool isFirst)
    {
        int kept = isFirst ? 0 : Math.Max(0, _lines - _stride);
        int keptFloats = kept * _lineFloats;
        new Span<float>(lines + ((_lines - kept) * _lineFloats), keptFloats)
            .CopyTo(new Span<float>(lines, keptFloats));
        for (int line = kept; line < _lines; line++)
        {
            float* first = source + _start + ((nint)line * _input.LineFloats);
            FewChannels.CopyPixels(first, _step, _channels, lines + (line * _lineFloats), _pixels);
        }
    }
}
