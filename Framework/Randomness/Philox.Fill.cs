using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Framework.Randomness;

/// <content>Runs of words: four blocks at a time.</content>
public readonly partial struct Philox
{
    private const int BlocksPerVector = 4;
    private const int WordsPerBlock = 4;

    /// <summary>Writes words in order: <c>words[i]</c> is word j mod 4 of <c>Block(c0, c1, c2, j / 4)</c>.</summary>
    /// <param name="counter0">First counter.</param>
    /// <param name="counter1">Second counter.</param>
    /// <param name="counter2">Third counter.</param>
    /// <param name="firstWord">j is firstWord + i; a multiple of 4.</param>
    /// <param name="words">Overwritten.</param>
    /// <remarks>Integer arithmetic: the same at every vector width. Allocates nothing.</remarks>
    public void Fill(uint counter0, uint counter1, uint counter2, uint firstWord, Span<uint> words)
    {
        if (firstWord % WordsPerBlock != 0)
        {
            throw new ArgumentException($"Philox: first word {firstWord} is no multiple of 4.", nameof(firstWord));
        }

        uint firstBlock = firstWord / WordsPerBlock;
        ref uint start = ref MemoryMarshal.GetReference(words);
        int done = 0;
        for (; done + (BlocksPerVector * WordsPerBlock) <= words.Length; done += BlocksPerVector * WordsPerBlock)
        {
            uint block = firstBlock + (uint)(done / WordsPerBlock);
            FourBlocks(counter0, counter1, counter2, block, ref Unsafe.Add(ref start, done));
        }

        for (; done < words.Length; done++)
        {
            RandomBlock block = Block(counter0, counter1, counter2, firstBlock + (uint)(done / WordsPerBlock));
            words[done] = (done % WordsPerBlock) switch
            {
                0 => block.Word0,
                1 => block.Word1,
                2 => block.Word2,
                _ => block.Word3,
            };
        }
    }

    /// <summary>Four blocks, one to a 64-bit lane; the upper half of a lane is rubbish until the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FourBlocks(uint c0, uint c1, uint c2, uint firstBlock, ref uint words)
    {
        Vector256<ulong> counter0 = Vector256.Create((ulong)c0);
        Vector256<ulong> counter1 = Vector256.Create((ulong)c1);
        Vector256<ulong> counter2 = Vector256.Create((ulong)c2);
        Vector256<ulong> counter3 = Vector256.Create((ulong)firstBlock) + Vector256.Create(0ul, 1, 2, 3);
        uint key0 = seed;
        uint key1 = (uint)purpose;
        for (int round = 0; round < Rounds; round++)
        {
            Vector256<ulong> product0 = MultiplyLower(counter0, Vector256.Create((ulong)Multiplier0));
            Vector256<ulong> product1 = MultiplyLower(counter2, Vector256.Create((ulong)Multiplier1));
            counter0 = (product1 >>> 32) ^ counter1 ^ Vector256.Create((ulong)key0);
            counter1 = product1;
            counter2 = (product0 >>> 32) ^ counter3 ^ Vector256.Create((ulong)key1);
            counter3 = product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        // A lane of each pair holds words (0, 1) or (2, 3) of a block; interleaving the lanes gives the blocks in
        // order.
        Vector256<ulong> lowerHalf = Vector256.Create(0xFFFFFFFFul);
        Vector256<ulong> pair01 = (counter0 & lowerHalf) | (counter1 << 32);
        Vector256<ulong> pair23 = (counter2 & lowerHalf) | (counter3 << 32);
        Vector256<ulong> even = Vector256.Create(ulong.MaxValue, 0, ulong.MaxValue, 0);
        Vector256<ulong> lower = Vector256.ConditionalSelect(
            even,
            Vector256.Shuffle(pair01, Vector256.Create(0ul, 0, 1, 1)),
            Vector256.Shuffle(pair23, Vector256.Create(0ul, 0, 1, 1)));
        Vector256<ulong> upper = Vector256.ConditionalSelect(
            even,
            Vector256.Shuffle(pair01, Vector256.Create(2ul, 2, 3, 3)),
            Vector256.Shuffle(pair23, Vector256.Create(2ul, 2, 3, 3)));
        lower.AsUInt32().StoreUnsafe(ref words);
        upper.AsUInt32().StoreUnsafe(ref words, 8);
    }

    /// <summary>32 x 32 to 64 bits of the lower halves; one instruction where there is AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> MultiplyLower(Vector256<ulong> x, Vector256<ulong> y) =>
        Avx2.IsSupported
            ? Avx2.Multiply(x.AsUInt32(), y.AsUInt32())
            : (x & Vector256.Create(0xFFFFFFFFul)) * y;
}
