namespace Distributed.Framework.Metrics;

/// <summary>Whether the class that a model finds likeliest is the right one.</summary>
public static class Accuracy
{
    /// <summary>Whether logits and one-hot target have their largest element at the same class.</summary>
    /// <remarks>Of equal elements the first counts. Logits that are not all numbers are wrong.</remarks>
    public static bool IsRight(ReadOnlySpan<float> logits, ReadOnlySpan<float> target)
    {
        foreach (float logit in logits)
        {
            if (float.IsNaN(logit))
            {
                return false;
            }
        }

        return Largest(logits) == Largest(target);
    }

    /// <summary>Index of the largest element, the first of equal ones.</summary>
    public static int Largest(ReadOnlySpan<float> values)
    {
        int largest = 0;
        for (int i = 1; i < values.Length; i++)
        {
            largest = values[i] > values[largest] ? i : largest;
        }

        return largest;
    }
}
