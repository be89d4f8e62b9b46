namespace Distributed.Framework.Optimizers;

/// <summary>Elementwise work over buffers as long as the parameters.</summary>
internal static class Ranges
{
    /// <summary>Floats of a range; all buffers of an optimizer's range stay in a core's second cache.</summary>
    private const int Floats = 1 << 16;

    /// <summary>Elements from which on helpers pay: waking them takes as long as they save of fewer.</summary>
    private const int LengthMin = 4 * Floats;

    /// <summary>
    /// Calls <paramref name="run"/> with (start, length) of ranges that cover 0 to <paramref name="length"/>, each
    /// once; those of a large one also on threads of the pool, which are joined. Starts are multiples of 65,536.
    /// </summary>
    public static void Run(int length, Action<int, int> run)
    {
        if (length < LengthMin)
        {
            run(0, length);
            return;
        }

        Parallel.For(0, (length + Floats - 1) / Floats, range =>
        {
            int start = range * Floats;
            run(start, Math.Min(Floats, length - start));
        });
    }
}
