using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks;

/// <summary>How much arithmetic there is, and how much this machine could do.</summary>
internal static class Work
{
    private const int Accumulators = 12;

    /// <summary>
    /// Floating-point operations of a training step on one image, counted as direct convolutions have them: 2 for each
    /// multiplication and addition forward, as many for each of the two gradients, none for the input's.
    /// </summary>
    public static double TrainingFlops(Sequential layers, ImageShape image)
    {
        double first = 0;
        double forward = Forward(layers, image, ref first);
        return (3 * forward) - first;
    }

    /// <summary>Operations forward on one image.</summary>
    public static double ForwardFlops(Sequential layers, ImageShape image)
    {
        double first = 0;
        return Forward(layers, image, ref first);
    }

    /// <summary>What so many threads reach in fused multiply-adds that wait for no memory, in GFLOP/s.</summary>
    public static double PeakGflops(int threads)
    {
        Spin(100_000);
        const long Rounds = 40_000_000;
        long start = Stopwatch.GetTimestamp();
        Thread[] running = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() => Spin(Rounds)))];
        Array.ForEach(running, thread => thread.Start());
        Array.ForEach(running, thread => thread.Join());
        double flops = 2.0 * Vector256<float>.Count * Accumulators * Rounds * threads;
        return flops / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Spin(long rounds)
    {
        Vector256<float> a = Vector256.Create(0.5f), b = Vector256.Create(0.25f);
        Vector256<float> s0 = a, s1 = b, s2 = a, s3 = b, s4 = a, s5 = b;
        Vector256<float> s6 = a, s7 = b, s8 = a, s9 = b, s10 = a, s11 = b;
        for (long i = 0; i < rounds; i++)
        {
            s0 = Vector256.FusedMultiplyAdd(s0, a, b);
            s1 = Vector256.FusedMultiplyAdd(s1, a, b);
            s2 = Vector256.FusedMultiplyAdd(s2, a, b);
            s3 = Vector256.FusedMultiplyAdd(s3, a, b);
            s4 = Vector256.FusedMultiplyAdd(s4, a, b);
            s5 = Vector256.FusedMultiplyAdd(s5, a, b);
            s6 = Vector256.FusedMultiplyAdd(s6, a, b);
            s7 = Vector256.FusedMultiplyAdd(s7, a, b);
            s8 = Vector256.FusedMultiplyAdd(s8, a, b);
            s9 = Vector256.FusedMultiplyAdd(s9, a, b);
            s10 = Vector256.FusedMultiplyAdd(s10, a, b);
            s11 = Vector256.FusedMultiplyAdd(s11, a, b);
        }

        Vector256<float> sum = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11;
        return sum[0];
    }

    private static double Forward(Sequential layers, ImageShape image, ref double first)
    {
        double sum = 0;
        foreach (Layer layer in layers.Layers)
        {
            ImageShape output = layer.OutputShape(image, "");
            double own = layer switch
            {
                Conv2d conv => 2.0 * conv.K * conv.K * conv.In * output.Elements,
                ConvTranspose2d conv => 2.0 * conv.K * conv.K * conv.Out * image.Elements,
                SkipConcat skip => Forward(skip.Inner, image, ref first),
                Residual residual => Forward(residual.Inner, image, ref first),
                Sequential inner => Forward(inner, image, ref first),
                _ => 0,
            };
            first = first == 0 ? own : first;
            sum += own;
            image = output;
        }

        return sum;
    }
}
