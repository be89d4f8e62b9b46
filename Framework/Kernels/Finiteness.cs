namespace Distributed.Framework.Kernels;

/// <summary>Whether numbers are numbers.</summary>
internal static unsafe class Finiteness<TVector>
    where TVector : struct, IVector<TVector>
{
    /// <summary>True if none of the floats, up to the length rounded up to 16, is NaN or infinite.</summary>
    public static bool Holds(float* values, int length)
    {
        // x - x is 0 for finite x and NaN for all others, and a NaN stays in the sum.
        TVector sum = default;
        for (int i = 0; i < length; i += TVector.Lanes)
        {
            TVector value = TVector.Load(values + i);
            sum += value - value;
        }

        float* lanes = stackalloc float[TVector.Lanes];
        TVector.Store(lanes, sum);
        for (int i = 0; i < TVector.Lanes; i++)
        {
            if (lanes[i] != 0)
            {
                return false;
            }
        }

        return true;
    }
}
