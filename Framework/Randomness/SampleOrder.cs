using System.Numerics;

namespace Distributed.Framework.Randomness;

/// <summary>Which sample comes at which position of an epoch: a permutation of [0, count), computed in place.</summary>
/// <remarks>
/// A Feistel network permutes the smallest even number of bits that holds the count, with Philox (seed, SampleOrder) at
/// counter (epoch, round, half) as its round function; a result of count or more goes through it again until it falls
/// below ("cycle walking"), fewer than four times on average. So any position of any epoch costs about a microsecond,
/// no list is kept or sent, and a resumed run needs no state.
/// Sources: Luby, Rackoff 1988; Black, Rogaway 2002, "Ciphers with Arbitrary Finite Domains".
/// </remarks>
public sealed class SampleOrder
{
    // Four rounds would do in theory; small halves (a few bits) mix slowly.
    private const int Rounds = 8;
    private readonly Philox _random;
    private readonly bool _shuffled;
    private readonly int _halfBits;

    /// <param name="seed">The run's seed.</param>
    /// <param name="count">Number of samples, at least 1.</param>
    /// <param name="shuffled">False: every epoch takes the samples in the source's order.</param>
    public SampleOrder(uint seed, int count, bool shuffled = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        _random = new Philox(seed, RandomPurpose.SampleOrder);
        _shuffled = shuffled;
        int bits = 32 - BitOperations.LeadingZeroCount((uint)(count - 1));
        _halfBits = Math.Max(1, (bits + 1) / 2);
    }

    /// <summary>Number of samples.</summary>
    public int Count { get; }

    /// <summary>The sample at a position of an epoch.</summary>
    /// <param name="epoch">0 or more.</param>
    /// <param name="position">0 to Count - 1.</param>
    public int At(int epoch, int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, Count);
        if (!_shuffled)
        {
            return position;
        }

        uint value = (uint)position;
        do
        {
            value = Permute((uint)epoch, value);
        }
        while (value >= (uint)Count);
        return (int)value;
    }

    private uint Permute(uint epoch, uint value)
    {
        uint mask = (1u << _halfBits) - 1;
        uint left = value >> _halfBits;
        uint right = value & mask;
        for (uint round = 0; round < Rounds; round++)
        {
            (left, right) = (right, left ^ (_random.Block(epoch, round, right).Word0 & mask));
        }

        return (left << _halfBits) | right;
    }
}
