using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>One image line of a normalization; the vectors have one float a channel.</summary>
internal readonly unsafe struct NormalizationLine
{
    /// <summary>First pixel of the input.</summary>
    public required float* Input { get; init; }

    public required nint InputPixel { get; init; }

    /// <summary>First pixel of the output; of its gradient on the way back.</summary>
    public required float* Output { get; init; }

    public required nint OutputPixel { get; init; }

    public required int Pixels { get; init; }

    /// <summary>Channels, a multiple of 16.</summary>
    public required int Channels { get; init; }

    public required float* Mean { get; init; }

    /// <summary>What the deviation from the mean is multiplied by.</summary>
    public required float* Scale { get; init; }

    /// <summary>Forward: what is added. Backward: the mean of the output's gradient.</summary>
    public float* Shift { get; init; }

    /// <summary>Backward: the gradient's mean product with the deviation, over the variance.</summary>
    public float* Slope { get; init; }

    /// <summary>Backward: the input's gradient.</summary>
    public float* InputGradient { get; init; }

    /// <summary>Sums over the output's gradient, added to.</summary>
    public float* Sums { get; init; }

    /// <summary>Sums over the output's gradient times the deviation, added to.</summary>
    public float* Products { get; init; }

    /// <summary>Whether backward adds to the input's gradient.</summary>
    public bool Accumulate { get; init; }
}

/// <summary>Batch normalization over lines of pixels. Sums: a line from zero, then added once.</summary>
internal static unsafe class Normalization<TVector>
    where TVector : struct, IVector<TVector>
{
    /// <summary>sums[c] += sum over the line's pixels of (source[c] - mean[c])^2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSquares(
        float* source, nint pixel, int pixels, int channels, float* mean, float* sums)
    {
        for (int c = 0; c < channels; c += TVector.Lanes)
        {
            TVector center = TVector.Load(mean + c);
            TVector sum = default;
            float* here = source + c;
            for (int x = 0; x < pixels; x++, here += pixel)
            {
                TVector deviation = TVector.Load(here) - center;
                sum = TVector.MultiplyAdd(deviation, deviation, sum);
            }

            TVector.Store(sums + c, TVector.Load(sums + c) + sum);
        }
    }

    /// <summary>y = (x - mean) scale + shift.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(in NormalizationLine line)
    {
        float* source = line.Input;
        float* target = line.Output;
        for (int x = 0; x < line.Pixels; x++, source += line.InputPixel, target += line.OutputPixel)
        {
            for (int c = 0; c < line.Channels; c += TVector.Lanes)
            {
                TVector deviation = TVector.Load(source + c) - TVector.Load(line.Mean + c);
                TVector.Store(
                    target + c,
                    TVector.MultiplyAdd(deviation, TVector.Load(line.Scale + c), TVector.Load(line.Shift + c)));
            }
        }
    }

    /// <summary>sums += sum of dy; products += sum of dy (x - mean).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddProducts(in NormalizationLine line)
    {
        for (int c = 0; c < line.Channels; c += TVector.Lanes)
        {
            TVector center = TVector.Load(line.Mean + c);
            TVector sum = default;
            TVector product = default;
            float* source = line.Input + c;
            float* gradient = line.Output + c;
            for (int x = 0; x < line.Pixels; x++, source += line.InputPixel, gradient += line.OutputPixel)
            {
                TVector dy = TVector.Load(gradient);
                sum += dy;
                product = TVector.MultiplyAdd(dy, TVector.Load(source) - center, product);
            }

            TVector.Store(line.Sums + c, TVector.Load(line.Sums + c) + sum);
            TVector.Store(line.Products + c, TVector.Load(line.Products + c) + product);
        }
    }

    /// <summary>dx = scale (dy - shift - (x - mean) slope), or added to dx.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(in NormalizationLine line)
    {
        float* source = line.Input;
        float* gradient = line.Output;
        float* target = line.InputGradient;
        for (int x = 0; x < line.Pixels; x++)
        {
            for (int c = 0; c < line.Channels; c += TVector.Lanes)
            {
                TVector deviation = TVector.Load(source + c) - TVector.Load(line.Mean + c);
                TVector centered = TVector.Load(gradient + c) - TVector.Load(line.Shift + c);
                TVector value = centered - (deviation * TVector.Load(line.Slope + c));
                value *= TVector.Load(line.Scale + c);
                TVector.Store(target + c, line.Accumulate ? TVector.Load(target + c) + value : value);
            }

            source += line.InputPixel;
            gradient += line.OutputPixel;
            target += line.InputPixel;
        }
    }
}
