using System.Runtime.CompilerServices;

namespace Distributed.Framework.Kernels;

/// <summary>One line of input pixels of an upsampling, and the square blocks of output pixels they become.</summary>
internal readonly unsafe struct UpsamplingLine
{
    /// <summary>First pixel; of the gradient on the way back.</summary>
    public required float* Input { get; init; }

    public required nint InputPixel { get; init; }

    /// <summary>First pixel of the first block; of the gradient on the way back.</summary>
    public required float* Output { get; init; }

    public required nint OutputPixel { get; init; }

    public required nint OutputLine { get; init; }

    /// <summary>Side of a block.</summary>
    public required int Scale { get; init; }

    /// <summary>Input pixels of the line.</summary>
    public required int Pixels { get; init; }

    /// <summary>Channels, a multiple of 16.</summary>
    public required int Channels { get; init; }

    /// <summary>Whether backward adds to the input's gradient.</summary>
    public bool Accumulate { get; init; }
}

/// <summary>Every pixel becomes a square block of copies; its gradient is the sum over the block.</summary>
internal static unsafe class NearestUpsampling<TVector>
    where TVector : struct, IVector<TVector>
{
    /// <summary>Overwrites the blocks of one input line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(in UpsamplingLine line)
    {
        for (int y = 0; y < line.Scale; y++)
        {
            float* source = line.Input;
            float* target = line.Output + (y * line.OutputLine);
            for (int x = 0; x < line.Pixels; x++, source += line.InputPixel)
            {
                for (int copy = 0; copy < line.Scale; copy++, target += line.OutputPixel)
                {
                    for (int c = 0; c < line.Channels; c += TVector.Lanes)
                    {
                        TVector.Store(target + c, TVector.Load(source + c));
                    }
                }
            }
        }
    }

    /// <summary>The input line's gradient: each block's sum, line by line from zero; written or added once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(in UpsamplingLine line)
    {
        float* target = line.Input;
        float* block = line.Output;
        for (int x = 0; x < line.Pixels; x++, target += line.InputPixel, block += line.Scale * line.OutputPixel)
        {
            for (int c = 0; c < line.Channels; c += TVector.Lanes)
            {
                TVector sum = default;
                for (int y = 0; y < line.Scale; y++)
                {
                    float* source = block + (y * line.OutputLine) + c;
                    for (int copy = 0; copy < line.Scale; copy++, source += line.OutputPixel)
                    {
                        sum += TVector.Load(source);
                    }
                }

                TVector.Store(target + c, line.Accumulate ? TVector.Load(target + c) + sum : sum);
            }
        }
    }
}
