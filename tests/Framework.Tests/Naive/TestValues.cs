namespace Distributed.Framework.Tests.Naive;

/// <summary>Deterministic test numbers, the same on every machine (splitmix64).</summary>
internal sealed class TestValues(ulong seed)
{
    private ulong _state = seed;

    public int Next(int count) => (int)(NextWord() % (ulong)count);

    public T Pick<T>(params ReadOnlySpan<T> values) => values[Next(values.Length)];

    /// <summary>Whole numbers from -limit to limit: sums of their products are exact in float32.</summary>
    public float[] Integers(int count, int limit = 3) => Fill(count, () => Next((2 * limit) + 1) - limit);

    /// <summary>Numbers within [-1, 1), of 24 bits: almost every sum of their products rounds.</summary>
    public float[] Floats(int count) => Fill(count, () => ((int)(NextWord() >> 40) - (1 << 23)) * (1f / (1 << 23)));

    private static float[] Fill(int count, Func<float> next)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = next();
        }

        return values;
    }

    private ulong NextWord()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
