using Distributed.Framework.Kernels;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Kernels;

/// <summary>Kernels over lines of pixels against loops: all small sizes and widths; nothing else is touched.</summary>
public sealed unsafe class ElementwiseTests
{
    private const float Untouched = 12345;

    private static readonly ActivationKind[] s_kinds =
    [
        ActivationKind.None,
        ActivationKind.ReLU,
        ActivationKind.Sigmoid,
        ActivationKind.Tanh,
        ActivationKind.LeakyReLU(0.25f),
        ActivationKind.ELU(2),
    ];

    public static TheoryData<int> Widths => [128, 256, 512];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Activate_AllSizes_EqualsLoop(int bits)
    {
        KernelSet kernels = KernelSet.ForBits(bits);
        foreach ((int pixels, int channels, int sourcePixel, int targetPixel) in Sizes())
        {
            TestValues values = new((ulong)pixels);
            AlignedBuffer source = Buffer(values.Integers((pixels + 1) * sourcePixel));
            foreach (ActivationKind kind in new[] { ActivationKind.None, ActivationKind.ReLU })
            {
                AlignedBuffer target = new((pixels + 1) * targetPixel);
                target.Span.Fill(Untouched);
                float[] expected = target.Span.ToArray();
                for (int i = 0; i < pixels * channels; i++)
                {
                    float value = source.Span[(i / channels * sourcePixel) + (i % channels)];
                    expected[(i / channels * targetPixel) + (i % channels)] =
                        kind == ActivationKind.ReLU ? Math.Max(value, 0) : value;
                }

                kernels.Activate(kind, source.Pointer, sourcePixel, target.Pointer, targetPixel, pixels, channels);
                Assert.Equal(expected, target.Span.ToArray());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void ActivateBackward_AllSizes_EqualsLoop(int bits)
    {
        KernelSet kernels = KernelSet.ForBits(bits);
        foreach ((int pixels, int channels, int pixel, int inputPixel) in Sizes())
        {
            TestValues values = new((ulong)pixels);
            AlignedBuffer output = Buffer(values.Integers((pixels + 1) * pixel));
            AlignedBuffer outputGradient = Buffer(values.Integers((pixels + 1) * pixel));
            foreach (ActivationKind kind in s_kinds)
            {
                foreach (bool accumulate in new[] { false, true })
                {
                    AlignedBuffer target = Buffer(values.Integers((pixels + 1) * inputPixel));
                    float[] expected = target.Span.ToArray();
                    for (int i = 0; i < pixels * channels; i++)
                    {
                        int from = (i / channels * pixel) + (i % channels);
                        int to = (i / channels * inputPixel) + (i % channels);
                        float y = output.Span[from];
                        float slope = kind.Formula switch
                        {
                            ActivationFormula.ReLU => y > 0 ? 1 : 0,
                            ActivationFormula.LeakyReLU => y > 0 ? 1 : 0.25f,
                            ActivationFormula.ELU => y > 0 ? 1 : y + 2,
                            ActivationFormula.Sigmoid => y * (1 - y),
                            ActivationFormula.Tanh => 1 - (y * y),
                            _ => 1,
                        };
                        expected[to] = (accumulate ? expected[to] : 0) + (slope * outputGradient.Span[from]);
                    }

                    kernels.ActivateBackward(kind, new BackwardLine
                    {
                        Output = output.Pointer,
                        OutputGradient = outputGradient.Pointer,
                        Pixel = pixel,
                        InputGradient = target.Pointer,
                        InputPixel = inputPixel,
                        Pixels = pixels,
                        Channels = channels,
                        Accumulate = accumulate,
                    });
                    Assert.Equal(expected, target.Span.ToArray());
                    GC.KeepAlive(output);
                    GC.KeepAlive(outputGradient);
                }
            }
        }
    }

    /// <summary>Sums of numbers that round, so that the order counts: a line from zero, then added.</summary>
    [Theory]
    [MemberData(nameof(Widths))]
    public void AddPixels_AllSizes_EqualsLoopInOrder(int bits)
    {
        KernelSet kernels = KernelSet.ForBits(bits);
        foreach ((int pixels, int channels, int pixel, _) in Sizes())
        {
            TestValues values = new((ulong)pixels);
            AlignedBuffer source = Buffer(values.Floats((pixels + 1) * pixel));
            AlignedBuffer sums = Buffer(values.Floats(channels + 16));
            float[] expected = sums.Span.ToArray();
            for (int c = 0; c < channels; c++)
            {
                float sum = 0;
                for (int x = 0; x < pixels; x++)
                {
                    sum += source.Span[(x * pixel) + c];
                }

                expected[c] += sum;
            }

            kernels.AddPixels(source.Pointer, pixel, pixels, channels, sums.Pointer);
            Assert.Equal(expected, sums.Span.ToArray());
            GC.KeepAlive(source);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Add_AllLengths_EqualsLoop(int bits)
    {
        KernelSet kernels = KernelSet.ForBits(bits);
        for (int length = 0; length <= 256; length++)
        {
            TestValues values = new((ulong)length);
            AlignedBuffer source = Buffer(values.Floats(length));
            AlignedBuffer target = Buffer(values.Floats(length));
            float[] expected = [.. source.Span.ToArray().Zip(target.Span.ToArray(), (a, b) => a + b)];
            kernels.Add(source.Pointer, target.Pointer, length);
            Assert.Equal(expected, target.Span.ToArray());
            GC.KeepAlive(source);
        }
    }

    /// <summary>Register tiles take all rows of a line, in parts that differ by at most one.</summary>
    [Fact]
    public void Partition_AllCounts_AddsUpInNearlyEqualParts()
    {
        for (int count = 1; count <= 60; count++)
        {
            for (int parts = 1; parts <= count; parts++)
            {
                int[] sizes = [.. Enumerable.Range(0, parts).Select(part => Partition.Size(count, parts, part))];
                Assert.Equal(count, sizes.Sum());
                Assert.InRange(sizes[0] - sizes[^1], 0, 1);
                Assert.Equal(sizes.OrderDescending(), sizes);
            }
        }
    }

    private static IEnumerable<(int Pixels, int Channels, int PixelA, int PixelB)> Sizes() =>
        from pixels in Enumerable.Range(0, 10)
        from channels in new[] { 16, 32, 48, 64, 80 }
        from added in new[] { (0, 0), (16, 0), (0, 32) }
        select (pixels, channels, channels + added.Item1, channels + added.Item2);

    private static AlignedBuffer Buffer(float[] values)
    {
        AlignedBuffer buffer = new(values.Length);
        values.CopyTo(buffer.Span);
        return buffer;
    }
}
