using Distributed.Framework.Randomness;

namespace Distributed.Framework.Tests.Randomness;

/// <summary>The order of samples: a permutation, another one in each epoch, the same one for ever.</summary>
public sealed class SampleOrderTests
{
    [Fact]
    public void At_AnyCount_IsAPermutation()
    {
        int[] counts = [.. Enumerable.Range(1, 300), 1000, 4096, 4097, 50_000];
        foreach (int count in counts)
        {
            SampleOrder order = new(seed: 5, count);
            bool[] seen = new bool[count];
            for (int position = 0; position < count; position++)
            {
                int sample = order.At(epoch: count % 3, position);
                Assert.False(seen[sample], $"count {count}: {sample} comes twice");
                seen[sample] = true;
            }
        }
    }

    [Fact]
    public void At_LargestCount_StaysInside()
    {
        SampleOrder order = new(seed: 5, int.MaxValue);
        for (int position = int.MaxValue - 100; position < int.MaxValue; position++)
        {
            Assert.InRange(order.At(0, position), 0, int.MaxValue - 1);
        }
    }

    [Fact]
    public void At_OtherEpochOrSeed_IsAnotherOrder()
    {
        int[] first = Order(new SampleOrder(1, 1000), 0);

        Assert.InRange(Agreements(first, Order(new SampleOrder(1, 1000), 1)), 0, 10);
        Assert.InRange(Agreements(first, Order(new SampleOrder(2, 1000), 0)), 0, 10);
        Assert.Equal(1000, Agreements(first, Order(new SampleOrder(1, 1000), 0)));
    }

    [Fact]
    public void At_NotShuffled_IsTheSourcesOrder() =>
        Assert.Equal(Enumerable.Range(0, 50), Order(new SampleOrder(1, 50, shuffled: false), 3));

    /// <summary>
    /// Goal: any sample may come anywhere. Method: chi-square over epochs, position by sample, 10 x 10.
    /// </summary>
    [Fact]
    public void At_ManyEpochs_IsUniform()
    {
        const int Count = 10;
        const int Epochs = 20_000;
        SampleOrder order = new(3, Count);
        int[,] found = new int[Count, Count];
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            for (int position = 0; position < Count; position++)
            {
                found[position, order.At(epoch, position)]++;
            }
        }

        double expected = Epochs / (double)Count;
        double chiSquare = found.Cast<int>().Sum(n => (n - expected) * (n - expected) / expected);
        // 81 degrees of freedom: mean 81, standard deviation 12.7.
        Assert.InRange(chiSquare, 40, 150);
    }

    /// <summary>The order is part of the format: a resumed run must find the one it began with.</summary>
    [Fact]
    public void At_StoredValues_StayForEver()
    {
        Assert.Equal(s_stored10, Order(new SampleOrder(0, 10), 0));
        Assert.Equal(s_stored50000, Order(new SampleOrder(7, 50_000), 2).Take(5));
    }

    private static readonly int[] s_stored10 = [3, 7, 4, 9, 8, 1, 6, 0, 5, 2];
    private static readonly int[] s_stored50000 = [43084, 45232, 37997, 31130, 23559];

    private static int[] Order(SampleOrder order, int epoch) =>
        [.. Enumerable.Range(0, order.Count).Select(position => order.At(epoch, position))];

    private static int Agreements(int[] left, int[] right) => left.Zip(right).Count(pair => pair.First == pair.Second);
}
