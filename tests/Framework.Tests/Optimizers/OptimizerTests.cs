using Distributed.Framework.Kernels;
using Distributed.Framework.Optimizers;
using Distributed.Framework.Tensors;
using Distributed.Framework.Tests.Naive;

namespace Distributed.Framework.Tests.Optimizers;

/// <summary>Optimizers against float64 loops, at every length and vector width.</summary>
/// <remarks>
/// Error budget: a step does some ten roundings of 6e-8 each, of terms no larger than the numbers compared; a factor
/// of three for what accumulates over the steps: 2e-6 absolute for numbers of magnitude 1.
/// </remarks>
public sealed class OptimizerTests
{
    private const double Tolerance = 2e-6;
    private const int Steps = 5;

    public static TheoryData<double, bool, double> SgdCases { get; } = new()
    {
        { 0, false, 0 },
        { 0, false, 0.1 },
        { 0.9, false, 0 },
        { 0.9, true, 0 },
        { 0.5, true, 0.2 },
        { 0.5, false, 0.2 },
    };

    [Theory]
    [MemberData(nameof(SgdCases))]
    public void Sgd_AllLengths_FollowsTheTwin(double momentum, bool nesterov, double decay)
    {
        for (int length = 0; length <= 70; length++)
        {
            TestValues values = new((ulong)length);
            Sgd sgd = new(length, momentum, nesterov, decay);
            AlignedBuffer parameters = Buffer(values.Floats(length));
            double[] expected = Doubles(parameters);
            double[] velocity = new double[length];
            for (int step = 0; step < Steps; step++)
            {
                float[] gradient = values.Floats(length);
                sgd.Step(parameters, Buffer(gradient), 3, 0.1, parameters);
                for (int i = 0; i < length; i++)
                {
                    double g = (gradient[i] / 3.0) + (decay * expected[i]);
                    velocity[i] = (momentum * velocity[i]) + g;
                    expected[i] -= 0.1 * (nesterov ? g + (momentum * velocity[i]) : velocity[i]);
                }

                AssertClose(expected, parameters);
            }
        }
    }

    [Theory]
    [InlineData(0.9, 0.999, 1e-8, 0)]
    [InlineData(0.5, 0.9, 1e-3, 0.1)]
    [InlineData(0, 0, 1e-8, 0)]
    public void Adam_AllLengths_FollowsTheTwin(double beta1, double beta2, double epsilon, double decay)
    {
        for (int length = 0; length <= 70; length++)
        {
            TestValues values = new((ulong)length);
            Adam adam = new(length, beta1, beta2, epsilon, decay);
            AlignedBuffer parameters = Buffer(values.Floats(length));
            double[] expected = Doubles(parameters);
            double[] mean = new double[length];
            double[] square = new double[length];
            for (int step = 1; step <= Steps; step++)
            {
                float[] gradient = values.Floats(length);
                AlignedBuffer target = new(length);
                adam.Step(parameters, Buffer(gradient), 3, 0.1, target);
                parameters = target;
                for (int i = 0; i < length; i++)
                {
                    double g = (gradient[i] / 3.0) + (decay * expected[i]);
                    mean[i] = (beta1 * mean[i]) + ((1 - beta1) * g);
                    square[i] = (beta2 * square[i]) + ((1 - beta2) * g * g);
                    double corrected = square[i] / (1 - Math.Pow(beta2, step));
                    expected[i] -= 0.1 * mean[i] / (1 - Math.Pow(beta1, step)) / (Math.Sqrt(corrected) + epsilon);
                }

                AssertClose(expected, parameters);
            }
        }
    }

    /// <summary>
    /// Goal: 1 - beta is rounded once. Method: the first step is the learning rate, whatever the gradient, since
    /// (1 - beta) cancels; 1 - (float)0.999 instead of (float)(1 - 0.999) makes it 6e-6 too large.
    /// </summary>
    [Fact]
    public void Adam_FirstStep_IsTheLearningRate()
    {
        Adam adam = new(16);
        AlignedBuffer parameters = new(16);
        AlignedBuffer gradient = new(16);
        gradient.Span.Fill(3);
        adam.Step(parameters, gradient, 1, 1, parameters);
        Assert.All(parameters.Span.ToArray(), value => Assert.InRange(value, -1 - 5e-7f, -1 + 5e-7f));
    }

    [Fact]
    public void Adam_Continued_GivesTheBitsOfOneRun()
    {
        TestValues values = new(5);
        float[] start = values.Floats(33);
        float[][] gradients = [.. Enumerable.Range(0, 6).Select(_ => values.Floats(33))];
        AlignedBuffer whole = Buffer(start);
        AlignedBuffer parts = Buffer(start);
        Adam one = new(33);
        Adam two = new(33);
        for (int step = 0; step < gradients.Length; step++)
        {
            one.Step(whole, Buffer(gradients[step]), 7, 1e-2, whole);
            Adam continued = new(33) { Scalars = two.Scalars };
            for (int slot = 0; slot < two.Slots.Count; slot++)
            {
                Assert.Equal(two.Slots[slot].Name, continued.Slots[slot].Name);
                two.Slots[slot].Values.Span.CopyTo(continued.Slots[slot].Values.Span);
            }

            continued.Step(parts, Buffer(gradients[step]), 7, 1e-2, parts);
            two = continued;
            Assert.Equal(whole.Span.ToArray(), parts.Span.ToArray());
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Step_GradientNotFinite_GivesNaNThereAlone(float poison)
    {
        Optimizer[] optimizers =
            [new Sgd(20), new Sgd(20, 0.9, true, 0.1), new Adam(20), new AdaGrad(20), AdamW(20)];
        foreach (Optimizer optimizer in optimizers)
        {
            AlignedBuffer parameters = Buffer(new TestValues(1).Floats(20));
            AlignedBuffer gradient = Buffer(new TestValues(2).Floats(20));
            gradient.Span[17] = poison;
            optimizer.Step(parameters, gradient, 1, 0.1, parameters);
            for (int i = 0; i < 20; i++)
            {
                Assert.Equal(i != 17, float.IsFinite(parameters.Span[i]));
            }
        }
    }

    [Fact]
    public void Step_WrongLength_SaysAllLengths()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(
            () => new Adam(20).Step(new AlignedBuffer(20), new AlignedBuffer(19), 1, 1, new AlignedBuffer(20)));
        Assert.Contains("19", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Step_OldAndNewApart_ShardsTheOldAlone()
    {
        float[] start = new TestValues(1).Floats(20);
        foreach (Optimizer optimizer in new Optimizer[] { new Sgd(20, 0.9), new Adam(20) })
        {
            AlignedBuffer old = Buffer(start);
            AlignedBuffer target = new(20);
            optimizer.Step(old, Buffer(start), 1, 0.1, target);
            Assert.Equal(start, old.Span.ToArray());
            Assert.DoesNotContain(target.Span.ToArray(), value => value == 0);
        }
    }

    /// <summary>
    /// Goal: averages of gradients that stay zero do not end as subnormal numbers, which are slow. Method: a step, then
    /// so many that 0.9^n leaves the normal ones; at each width the same bits as at the others.
    /// </summary>
    [Fact]
    public unsafe void Kernels_GradientsThatVanish_LeaveNoSubnormalNumbers()
    {
        const int length = 21;
        float[][] results = new float[3][];
        for (int width = 0; width < 3; width++)
        {
            KernelSet kernels = KernelSet.ForBits(128 << width);
            TestValues values = new(5);
            AlignedBuffer parameters = Buffer(values.Floats(length));
            AlignedBuffer sum = Buffer(values.Floats(length));
            AlignedBuffer velocity = new(length);
            AlignedBuffer mean = new(length);
            AlignedBuffer square = new(length);
            float decayed = 0;
            for (int step = 0; step < 1200; step++)
            {
                kernels.Sgd(
                    parameters.Pointer,
                    sum.Pointer,
                    1,
                    velocity.Pointer,
                    parameters.Pointer,
                    length,
                    new SgdStep(0.1f, 0.9f, Nesterov: false, 0));
                AdamStep adam = new(0.1f, 0.9f, 0.1f, 0.9f, 0.1f, 1e-8f, 0, 0.3f);
                kernels.Adam(
                    parameters.Pointer, sum.Pointer, 1, mean.Pointer, square.Pointer, parameters.Pointer, length, adam);
                decayed = step == 0 ? mean.Span[0] : decayed * 0.9f;
                sum.Span.Clear();
            }

            Assert.True(float.IsSubnormal(decayed), "what is only multiplied ends subnormal");
            float[] slots = [.. velocity.Span, .. mean.Span, .. square.Span];
            Assert.All(slots, value => Assert.Equal(0, value));
            results[width] = parameters.Span.ToArray();
        }

        Assert.All(results[0], value => Assert.True(float.IsFinite(value)));
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    /// <summary>All updates at all widths: the same bits.</summary>
    [Fact]
    public unsafe void Kernels_AllWidths_GiveTheSameBits()
    {
        for (int length = 1; length <= 40; length++)
        {
            float[][] results = new float[3][];
            for (int width = 0; width < 3; width++)
            {
                TestValues values = new((ulong)length);
                KernelSet kernels = KernelSet.ForBits(128 << width);
                AlignedBuffer old = Buffer(values.Floats(length));
                AlignedBuffer sum = Buffer(values.Floats(length));
                AlignedBuffer first = Buffer(values.Floats(length));
                AlignedBuffer second = Buffer([.. values.Floats(length).Select(Math.Abs)]);
                AlignedBuffer target = new(length);
                SgdStep sgd = new(0.1f, 0.9f, Nesterov: true, 0.01f);
                kernels.Sgd(old.Pointer, sum.Pointer, 7, first.Pointer, target.Pointer, length, sgd);
                float[] moved = target.Span.ToArray();
                AdamStep adam = new(0.1f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-8f, 0.01f, 0.3f);
                kernels.Adam(
                    old.Pointer, sum.Pointer, 7, first.Pointer, second.Pointer, target.Pointer, length, adam);
                float[] ofAdam = target.Span.ToArray();
                AdamStep other = adam with { WeightDecay = 0, Kept = 0.99f, EpsilonInsideRoot = true };
                kernels.Adam(
                    old.Pointer, sum.Pointer, 7, first.Pointer, second.Pointer, target.Pointer, length, other);
                float[] ofOther = target.Span.ToArray();
                AdaGradStep adaGrad = new(0.1f, 1e-10f, 0.01f);
                kernels.AdaGrad(old.Pointer, sum.Pointer, 7, second.Pointer, target.Pointer, length, adaGrad);
                results[width] =
                    [.. moved, .. ofAdam, .. ofOther, .. target.Span, .. first.Span, .. second.Span];
                GC.KeepAlive(old);
                GC.KeepAlive(sum);
            }

            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[0], results[2]);
        }
    }

    private static Adam AdamW(int length) =>
        new(length, weightDecay: 0.1, form: AdamForm.DecoupledDecay | AdamForm.EpsilonInsideRoot);

    private static void AssertClose(double[] expected, AlignedBuffer actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = Math.Abs(expected[i] - actual.Span[i]);
            Assert.True(difference <= Tolerance, $"length {expected.Length} [{i}]: off by {difference:E2}");
        }
    }

    private static double[] Doubles(AlignedBuffer buffer) => [.. buffer.Span.ToArray().Select(value => (double)value)];

    private static AlignedBuffer Buffer(float[] values)
    {
        AlignedBuffer buffer = new(values.Length);
        values.CopyTo(buffer.Span);
        return buffer;
    }
}
