using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>One line of output pixels of a pooling, and the image that it comes from.</summary>
internal readonly unsafe struct PoolingLine
{
    /// <summary>Pixel (0, 0) of the input; of its gradient on the way back.</summary>
    public required float* Input { get; init; }

    public required nint InputPixel { get; init; }

    public required nint InputLine { get; init; }

    /// <summary>Size of the input.</summary>
    public required int H { get; init; }

    public required int W { get; init; }

    /// <summary>Side of the window.</summary>
    public required int K { get; init; }

    public required int Stride { get; init; }

    public required int Padding { get; init; }

    /// <summary>Which line of the output this is.</summary>
    public required int Y { get; init; }

    /// <summary>Its first pixel; of its gradient on the way back.</summary>
    public required float* Output { get; init; }

    public required nint OutputPixel { get; init; }

    /// <summary>For each output element ky K + kx of its maximum, as a float; null if nobody will ask.</summary>
    public required float* Taps { get; init; }

    public required nint TapsPixel { get; init; }

    /// <summary>Pixels of the line.</summary>
    public required int Pixels { get; init; }

    /// <summary>Channels, a multiple of 16.</summary>
    public required int Channels { get; init; }

    /// <summary>Whether backward adds to the input's gradient; windows that overlap need it.</summary>
    public bool Accumulate { get; init; }
}

/// <summary>Maximum over square windows, and its gradient, one line of output pixels at a time.</summary>
/// <remarks>
/// Pixels outside the image take no part. The first maximum of a window, line by line, gets the gradient; a NaN
/// beats every number, and the last one gets it, as in PyTorch 1.13. Taps beyond 2^24 would not be exact.
/// </remarks>
internal static unsafe class MaxPooling<TVector>
    where TVector : struct, IVector<TVector>
{
    /// <summary>Overwrites the output line and its taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(in PoolingLine line)
    {
        int top = (line.Y * line.Stride) - line.Padding;
        int kyFirst = Math.Max(0, -top);
        int kyEnd = Math.Min(line.K, line.H - top);
        for (int x = 0; x < line.Pixels; x++)
        {
            int left = (x * line.Stride) - line.Padding;
            int kxFirst = Math.Max(0, -left);
            int kxEnd = Math.Min(line.K, line.W - left);
            float* window = line.Input + (top * line.InputLine) + (left * line.InputPixel);
            for (int c = 0; c < line.Channels; c += TVector.Lanes)
            {
                TVector maximum = TVector.Broadcast(float.NegativeInfinity);
                TVector taps = TVector.Broadcast((kyFirst * line.K) + kxFirst);
                for (int ky = kyFirst; ky < kyEnd; ky++)
                {
                    for (int kx = kxFirst; kx < kxEnd; kx++)
                    {
                        TVector value = TVector.Load(window + (ky * line.InputLine) + (kx * line.InputPixel) + c);
                        TVector tap = TVector.Broadcast((ky * line.K) + kx);
                        TVector isGreater = TVector.GreaterThan(value, maximum);
                        TVector isNumber = TVector.Equal(value, value);
                        maximum = TVector.Select(isGreater, value, TVector.Select(isNumber, maximum, value));
                        taps = TVector.Select(isGreater, tap, TVector.Select(isNumber, taps, tap));
                    }
                }

                TVector.Store(line.Output + (x * line.OutputPixel) + c, maximum);
                if (line.Taps != null)
                {
                    TVector.Store(line.Taps + (x * line.TapsPixel) + c, taps);
                }
            }
        }
    }

    /// <summary>Carries the output's gradient to the maxima: adds to the input's, or overwrites the windows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(in PoolingLine line)
    {
        int top = (line.Y * line.Stride) - line.Padding;
        int kyFirst = Math.Max(0, -top);
        int kyEnd = Math.Min(line.K, line.H - top);
        TVector zero = TVector.Broadcast(0f);
        for (int x = 0; x < line.Pixels; x++)
        {
            int left = (x * line.Stride) - line.Padding;
            int kxFirst = Math.Max(0, -left);
            int kxEnd = Math.Min(line.K, line.W - left);
            float* window = line.Input + (top * line.InputLine) + (left * line.InputPixel);
            for (int c = 0; c < line.Channels; c += TVector.Lanes)
            {
                TVector gradient = TVector.Load(line.Output + (x * line.OutputPixel) + c);
                TVector taps = TVector.Load(line.Taps + (x * line.TapsPixel) + c);
                for (int ky = kyFirst; ky < kyEnd; ky++)
                {
                    for (int kx = kxFirst; kx < kxEnd; kx++)
                    {
                        float* target = window + (ky * line.InputLine) + (kx * line.InputPixel) + c;
                        TVector tap = TVector.Broadcast((ky * line.K) + kx);
                        TVector value = TVector.Select(TVector.Equal(taps, tap), gradient, zero);
                        TVector.Store(target, line.Accumulate ? TVector.Load(target) + value : value);
                    }
                }
            }
        }
    }
}
