using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>How an output of Winograd's transform gets to memory.</summary>
internal unsafe interface IOutputStore
{
    static abstract void Store<TVector>(float* target, TVector value, TVector start)
        where TVector : struct, IVector<TVector>;
}

/// <summary>As it is.</summary>
internal readonly unsafe struct PlainStore : IOutputStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector>(float* target, TVector value, TVector start)
        where TVector : struct, IVector<TVector> => TVector.Store(target, value);
}

/// <summary>Added to what is there.</summary>
internal readonly unsafe struct AddingStore : IOutputStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector>(float* target, TVector value, TVector start)
        where TVector : struct, IVector<TVector> => TVector.Store(target, TVector.Load(target) + value);
}

/// <summary>f(value + start).</summary>
internal readonly unsafe struct ActivatedStore<TFunction> : IOutputStore
    where TFunction : struct, IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TVector>(float* target, TVector value, TVector start)
        where TVector : struct, IVector<TVector> =>
        TVector.Store(target, TFunction.Forward(value + start, default));
}
