using System.Diagnostics;
using Distributed.Benchmarks.Kernels;
using Distributed.Framework.Kernels;
using Distributed.Framework.Layers;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks;

/// <summary>How much arithmetic there is, and how much this machine could do.</summary>
internal static class Work
{
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

    /// <summary>
    /// What so many threads reach in fused multiply-adds that wait for no memory, in the vectors that kernels take, in
    /// GFLOP/s.
    /// </summary>
    public static double PeakGflops(int threads)
    {
        const int Calls = 200_000;
        Action[] calls = [.. Enumerable.Range(0, threads)
            .Select(_ => VectorCases.PrepareMultiplyAdds(KernelSet.Current))];
        calls[0]();
        long start = Stopwatch.GetTimestamp();
        Thread[] running = [.. calls.Select(call => new Thread(() => Repeat(call, Calls)))];
        Array.ForEach(running, thread => thread.Start());
        Array.ForEach(running, thread => thread.Join());
        return VectorCases.MultiplyAddFlops * Calls * threads / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    private static void Repeat(Action call, int times)
    {
        for (int i = 0; i < times; i++)
        {
            call();
        }
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
