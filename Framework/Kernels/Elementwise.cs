using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>Kernels over pixels in NHWC, one image line at a time; channel counts are multiples of 16.</summary>
internal static unsafe class Elementwise<TVector>
    where TVector : struct, IVector<TVector>
{
    /// <summary>target = f(source) for every pixel of a line; may work in place.</summary>
    /// <param name="source">First pixel.</param>
    /// <param name="sourcePixel">Floats from pixel to pixel of the source.</param>
    /// <param name="target">First pixel, overwritten.</param>
    /// <param name="targetPixel">Floats from pixel to pixel of the target.</param>
    /// <param name="pixels">Pixels in the line.</param>
    /// <param name="channels">Channels, a multiple of 16.</param>
    /// <param name="parameter">The function's parameter.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TFunction>(
        float* source, nint sourcePixel, float* target, nint targetPixel, int pixels, int channels, float parameter)
        where TFunction : struct, IActivationFunction
    {
        TVector broadcast = TVector.Broadcast(parameter);
        for (int x = 0; x < pixels; x++, source += sourcePixel, target += targetPixel)
        {
            for (int c = 0; c < channels; c += TVector.Lanes)
            {
                TVector.Store(target + c, TFunction.Forward(TVector.Load(source + c), broadcast));
            }
        }
    }

    /// <summary>target = gradient * f' at y, or target += it, for every pixel of a line; may work in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<TFunction>(in BackwardLine line, float parameter)
        where TFunction : struct, IActivationFunction
    {
        TVector broadcast = TVector.Broadcast(parameter);
        float* y = line.Output;
        float* gradient = line.OutputGradient;
        float* target = line.InputGradient;
        for (int x = 0; x < line.Pixels; x++, y += line.Pixel, gradient += line.Pixel, target += line.InputPixel)
        {
            for (int c = 0; c < line.Channels; c += TVector.Lanes)
            {
                TVector value = TFunction.Backward(TVector.Load(y + c), TVector.Load(gradient + c), broadcast);
                TVector.Store(target + c, line.Accumulate ? value + TVector.Load(target + c) : value);
            }
        }
    }

    /// <summary>sums[c] += sum over the line's pixels of source[c]: the line's sum first, then added once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddPixels(float* source, nint pixel, int pixels, int channels, float* sums)
    {
        int c = 0;
        for (; c <= channels - (4 * TVector.Lanes); c += 4 * TVector.Lanes)
        {
            // Four at a time: each waits for its own last addition only.
            TVector s0 = default, s1 = default, s2 = default, s3 = default;
            float* here = source + c;
            for (int x = 0; x < pixels; x++, here += pixel)
            {
                s0 += TVector.Load(here);
                s1 += TVector.Load(here + TVector.Lanes);
                s2 += TVector.Load(here + (2 * TVector.Lanes));
                s3 += TVector.Load(here + (3 * TVector.Lanes));
            }

            AddTo(sums + c, s0);
            AddTo(sums + c + TVector.Lanes, s1);
            AddTo(sums + c + (2 * TVector.Lanes), s2);
            AddTo(sums + c + (3 * TVector.Lanes), s3);
        }

        for (; c < channels; c += TVector.Lanes)
        {
            TVector sum = default;
            float* here = source + c;
            for (int x = 0; x < pixels; x++, here += pixel)
            {
                sum += TVector.Load(here);
            }

            AddTo(sums + c, sum);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void AddTo(float* target, TVector value) => TVector.Store(target, TVector.Load(target) + value);
    }

    /// <summary>target = a + b for every pixel of a line; may work in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddLines(in SumLine line)
    {
        float* a = line.A;
        float* b = line.B;
        float* target = line.Target;
        for (int x = 0; x < line.Pixels; x++, a += line.APixel, b += line.BPixel, target += line.TargetPixel)
        {
            for (int c = 0; c < line.Channels; c += TVector.Lanes)
            {
                TVector.Store(target + c, TVector.Load(a + c) + TVector.Load(b + c));
            }
        }
    }

    /// <summary>target[i] += source[i], for a length rounded up to 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* source, float* target, int length)
    {
        for (int i = 0; i < length; i += TVector.Lanes)
        {
            TVector.Store(target + i, TVector.Load(target + i) + TVector.Load(source + i));
        }
    }
}

/// <summary>One image line on its way back through an elementwise function.</summary>
internal readonly unsafe struct BackwardLine
{
    /// <summary>The function's result.</summary>
    public required float* Output { get; init; }

    /// <summary>The gradient with respect to the result.</summary>
    public required float* OutputGradient { get; init; }

    /// <summary>Floats from pixel to pixel of both.</summary>
    public required nint Pixel { get; init; }

    /// <summary>The gradient with respect to the argument, overwritten or added to.</summary>
    public required float* InputGradient { get; init; }

    /// <summary>Floats from pixel to pixel of it.</summary>
    public required nint InputPixel { get; init; }

    public required int Pixels { get; init; }

    public required int Channels { get; init; }

    public required bool Accumulate { get; init; }
}

/// <summary>One image line of a sum of two images.</summary>
internal readonly unsafe struct SumLine
{
    public required float* A { get; init; }

    /// <summary>Floats from pixel to pixel.</summary>
    public required nint APixel { get; init; }

    public required float* B { get; init; }

    public required nint BPixel { get; init; }

    /// <summary>Overwritten; may be A or B.</summary>
    public required float* Target { get; init; }

    public required nint TargetPixel { get; init; }

    public required int Pixels { get; init; }

    /// <summary>Channels, a multiple of 16.</summary>
    public required int Channels { get; init; }
}
