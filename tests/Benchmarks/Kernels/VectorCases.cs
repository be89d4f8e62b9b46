using System.Runtime.CompilerServices;
using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks.Kernels;

/// <summary>Multiply-adds in registers alone, which no kernel can beat, and exponentials of vectors.</summary>
internal static unsafe class VectorCases
{
    /// <summary>Independent multiply-adds: enough to fill the pipelines, few enough for 16 registers.</summary>
    private const int Chains = 10;

    /// <summary>Times 16 floats, at every width.</summary>
    private const int Rounds = 256;

    private const int Length = 4096;

    /// <summary>Operations of one call of <see cref="PrepareMultiplyAdds"/>'s action.</summary>
    public const double MultiplyAddFlops = 2.0 * Chains * Rounds * 16;

    private interface IFunction
    {
        static abstract TVector Invoke<TVector>(TVector x)
            where TVector : struct, IVector<TVector>;
    }

    public static IEnumerable<KernelCase> All()
    {
        yield return new KernelCase("peak: multiply-adds", Work.Flops, MultiplyAddFlops, PrepareMultiplyAdds);
        yield return Function<Exponential>($"e^x of {Length}");
        yield return Function<ExponentialMinusOne>($"e^x - 1 of {Length}");
    }

    /// <summary>Fused multiply-adds of one thread; its operands are its own.</summary>
    public static Action PrepareMultiplyAdds(KernelSet kernels)
    {
        AlignedBuffer buffer = new(16);
        return kernels.Lanes switch
        {
            4 => () => Loops<Vector4>.MultiplyAdd(buffer.Pointer),
            8 => () => Loops<Vector8>.MultiplyAdd(buffer.Pointer),
            _ => () => Loops<Vector16>.MultiplyAdd(buffer.Pointer),
        };
    }

    private static KernelCase Function<TFunction>(string name)
        where TFunction : struct, IFunction => new(name, Work.Bytes, 2.0 * Length * sizeof(float), kernels =>
        {
            AlignedBuffer source = Image.Numbers(Length);
            AlignedBuffer target = new(Length);
            return kernels.Lanes switch
            {
                4 => () => Loops<Vector4>.Map<TFunction>(source.Pointer, target.Pointer),
                8 => () => Loops<Vector8>.Map<TFunction>(source.Pointer, target.Pointer),
                _ => () => Loops<Vector16>.Map<TFunction>(source.Pointer, target.Pointer),
            };
        });

    private readonly struct Exponential : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector>(TVector x)
            where TVector : struct, IVector<TVector> => Transcendental.Exp(x);
    }

    private readonly struct ExponentialMinusOne : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Invoke<TVector>(TVector x)
            where TVector : struct, IVector<TVector> => Transcendental.ExpMinusOne(x);
    }

    private static class Loops<TVector>
        where TVector : struct, IVector<TVector>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Map<TFunction>(float* source, float* target)
            where TFunction : struct, IFunction
        {
            for (int i = 0; i < Length; i += TVector.Lanes)
            {
                TVector.Store(target + i, TFunction.Invoke(TVector.Load(source + i)));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void MultiplyAdd(float* target)
        {
            TVector half = TVector.Broadcast(0.5f);
            TVector one = TVector.Broadcast(1f);
            TVector a = one, b = one, c = one, d = one, e = one, f = one, g = one, h = one, i = one, j = one;
            for (int round = 0; round < Rounds * 16 / TVector.Lanes; round++)
            {
                a = TVector.MultiplyAdd(a, half, one);
                b = TVector.MultiplyAdd(b, half, one);
                c = TVector.MultiplyAdd(c, half, one);
                d = TVector.MultiplyAdd(d, half, one);
                e = TVector.MultiplyAdd(e, half, one);
                f = TVector.MultiplyAdd(f, half, one);
                g = TVector.MultiplyAdd(g, half, one);
                h = TVector.MultiplyAdd(h, half, one);
                i = TVector.MultiplyAdd(i, half, one);
                j = TVector.MultiplyAdd(j, half, one);
            }

            TVector.Store(target, a + b + c + d + e + f + g + h + i + j);
        }
    }
}
