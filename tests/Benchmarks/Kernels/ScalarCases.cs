using Distributed.Framework.Execution;
using Distributed.Framework.Kernels;
using Distributed.Framework.Losses;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks.Kernels;

/// <summary>Copies, kernels on vectors of four floats only, losses, and elementary functions in float64.</summary>
internal static unsafe class ScalarCases
{
    private const int Side = 32;
    private const int Colours = 3;
    private const int Classes = 10;
    private const int Values = 1024;
    private static readonly int[] s_copiedKilobytes = [16, 256, 4096, 65536];

    public static IEnumerable<KernelCase> All() =>
    [
        .. s_copiedKilobytes.Select(Copy),
        new KernelCase("few inputs: gather 3 of 32x32", Work.Bytes, 4.0 * Side * Side * (4 + RowFloats), _ => Gather()),
        new KernelCase(
            "few outputs: add 3 of 32x32", Work.Bytes, 4.0 * Side * Side * (4 + RowFloats), _ => AddShifted()),
        Loss(new MeanSquaredError(), Colours),
        Loss(new MeanAbsoluteError(), Colours),
        Loss(new AnnealedL0(), Colours),
        Loss(new HighDynamicRange(), Colours),
        Loss(new CrossEntropy(Classes), Classes),
        Function("exp", Elementary.Exp),
        Function("log", Elementary.Log),
        Function("x^0.7", x => Elementary.Pow(x, 0.7)),
        Function("x^10", x => Elementary.Pow(x, 10)),
        Function("cos(pi x)", Elementary.CosPi),
    ];

    private static int RowFloats => FewChannels.RowFloats(9, Colours);

    /// <summary>What no kernel can beat that moves as many bytes.</summary>
    private static KernelCase Copy(int kilobytes) =>
        new($"peak: copy of {kilobytes} KiB", Work.Bytes, 2048.0 * kilobytes, _ =>
        {
            AlignedBuffer source = Image.Numbers(kilobytes * 256);
            AlignedBuffer target = new(kilobytes * 256);
            return () => source.Span.CopyTo(target.Span);
        });

    private static Action Gather()
    {
        ActivationNode node = ActivationNode.Create(new ImageShape(Colours, Side, Side));
        node.RequireBorder(1);
        Image image = new(node);
        AlignedBuffer rows = new(Side * RowFloats);
        int[] offsets =
        [
            .. Enumerable.Range(0, 9).Select(
                tap => (((tap / 3) - 1) * node.LineFloats) + (((tap % 3) - 1) * node.Floats)),
        ];
        return () =>
        {
            for (int y = 0; y < Side; y++)
            {
                FewChannels.Gather(image.Line(y), image.Floats, offsets, Colours, rows.Pointer, RowFloats, Side);
            }
        };
    }

    private static Action AddShifted()
    {
        Image image = new(Colours, Side);
        int lineFloats = (Side + 2) * RowFloats;
        AlignedBuffer rows = Image.Numbers(3 * lineFloats);
        AlignedBuffer bias = Image.Numbers(4);
        return () =>
        {
            float** lines = stackalloc float*[3];
            for (int y = 0; y < Side; y++)
            {
                for (int i = 0; i < 3; i++)
                {
                    lines[i] = rows.Pointer + ((y + i) % 3 * lineFloats);
                }

                FewChannels.AddShifted(
                    lines, 3, Colours, RowFloats, bias.Pointer, image.Line(y), image.Floats, Side);
            }
        };
    }

    private static KernelCase Loss(Loss loss, int channels)
    {
        int length = channels * Side * Side;
        return new KernelCase(
            $"loss {loss.Name}, {channels} at {Side}x{Side}", Work.Bytes, 3.0 * length * sizeof(float), _ =>
            {
                float[] prediction = [.. Image.Numbers(length).Span];
                float[] target = [.. Image.Numbers(length).Span];
                Array.Reverse(target);
                float[] gradient = new float[length];
                return () => loss.Evaluate(prediction, target, gradient, progress: 0.3);
            });
    }

    private static KernelCase Function(string name, Func<double, double> function) =>
        new($"float64 {name} of {Values}", Work.Bytes, 2.0 * Values * sizeof(double), _ =>
        {
            double[] values = [.. Enumerable.Range(0, Values).Select(i => (i + 0.5) / Values)];
            double[] results = new double[Values];
            return () =>
            {
                for (int i = 0; i < values.Length; i++)
                {
                    results[i] = function(values[i]);
                }
            };
        });
}
