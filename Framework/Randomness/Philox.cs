using System.Runtime.CompilerServices;

namespace Distributed.Framework.Randomness;

/// <summary>What random numbers are for: one stream each, so that no use disturbs another.</summary>
/// <remarks>Part of the format: a number, once used, keeps its meaning.</remarks>
public enum RandomPurpose
{
    /// <summary>Initial parameters.</summary>
    Initialization = 1,

    /// <summary>The order of samples in an epoch.</summary>
    SampleOrder = 2,

    /// <summary>Noise added to training images.</summary>
    TrainingNoise = 3,

    /// <summary>Noise added to validation images.</summary>
    ValidationNoise = 4,

    /// <summary>Which window is cut from an image.</summary>
    Crop = 5,

    /// <summary>The synthetic training images.</summary>
    SyntheticTraining = 6,

    /// <summary>The synthetic validation images, disjoint from the training images.</summary>
    SyntheticValidation = 7,

    /// <summary>Flips, rotations and swaps of training pairs.</summary>
    Augmentation = 20,

    /// <summary>The points of the toy set "disc".</summary>
    Disc = 21,

    /// <summary>Which neighbouring pixels are a pair.</summary>
    Neighbors = 22,

    /// <summary>Which elements dropout keeps.</summary>
    Dropout = 30,
}

/// <summary>Four random words: one block of <see cref="Philox"/>.</summary>
public readonly record struct RandomBlock(uint Word0, uint Word1, uint Word2, uint Word3);

/// <summary>Philox4x32-10: random numbers as a function of key and counter, without state.</summary>
/// <remarks>
/// The key is (seed, purpose); the counter is (epoch or step, sample, layer, element / 4), so a worker knows any number
/// without being told and a checkpoint needs no generator state. Integer arithmetic only: the same everywhere.
/// Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel Random Numbers: As Easy as 1, 2, 3".
/// </remarks>
/// <param name="seed">The run's seed.</param>
/// <param name="purpose">What the numbers are for.</param>
public readonly partial struct Philox(uint seed, RandomPurpose purpose)
{
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>The block at a counter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RandomBlock Block(uint counter0, uint counter1 = 0, uint counter2 = 0, uint counter3 = 0)
    {
        uint key0 = seed;
        uint key1 = (uint)purpose;
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * counter0;
            ulong product1 = (ulong)Multiplier1 * counter2;
            counter0 = (uint)(product1 >> 32) ^ counter1 ^ key0;
            counter1 = (uint)product1;
            counter2 = (uint)(product0 >> 32) ^ counter3 ^ key1;
            counter3 = (uint)product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return new RandomBlock(counter0, counter1, counter2, counter3);
    }

    /// <summary>A word as a float in [0, 1): its upper 24 bits, exact.</summary>
    public static float ToUnitFloat(uint word) => (word >> 8) * (1f / (1 << 24));
}
