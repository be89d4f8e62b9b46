using System.Diagnostics;
using System.Globalization;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Benchmarks;

/// <summary>
/// 3x3 convolutions on one thread beside PyTorch's: forward, gradient of the input, gradient of the weights.
/// </summary>
internal static class LayerTable
{
    private const int Images = 8;
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(1);

    private static readonly (int In, int Out, int Side)[] s_cases =
        [(100, 100, 32), (48, 48, 32), (32, 32, 32), (144, 96, 32), (96, 96, 16), (3, 100, 32), (200, 3, 32)];

    /// <summary>Measures and prints it.</summary>
    public static void Write(int rounds, bool hasRival)
    {
        Console.WriteLine(
            "| 3x3 convolution, one thread, ms an image | ours: forward / input / weights | PyTorch | ratio |");
        Console.WriteLine("|---|---|---|---|");
        foreach ((int @in, int @out, int side) in s_cases)
        {
            List<double[]> ours = [];
            List<double[]> rivals = [];
            for (int round = 0; round < rounds; round++)
            {
                ours.Add(Measure(@in, @out, side));
                rivals.Add(hasRival
                    ? Rival.Layer(@in, @out, side, threads: 1)
                    : [double.NaN, double.NaN, double.NaN]);
            }

            double[] a = [.. Enumerable.Range(0, 3).Select(i => Programs.Median([.. ours.Select(each => each[i])]))];
            double[] b = [.. Enumerable.Range(0, 3).Select(i => Programs.Median([.. rivals.Select(each => each[i])]))];
            Console.WriteLine(
                $"| {@in} -> {@out} at {side}x{side} | {Text(a, "F3")} | {Text(b, "F3")} "
                + $"| {Text([.. a.Zip(b, (x, y) => y / x)], "F2")} |");
        }
    }

    /// <summary>The input's gradient alone is the difference of two plans: with it, and without.</summary>
    private static double[] Measure(int @in, int @out, int side)
    {
        Model model = new(new Sequential(new Conv2d(@in, @out, 3, padding: 1)));
        (double forward, double weights) = Measure(model.Compile(new ImageShape(@in, side, side)));
        (_, double both) = Measure(model.Compile(new ImageShape(@in, side, side), inputGradient: true));
        return [forward, both - weights, weights];
    }

    private static (double Forward, double Backward) Measure(Plan plan)
    {
        Replica replica = plan.CreateReplica();
        float[] parameters = new float[plan.Model.ParameterCount];
        Random random = new(1);
        Array.ForEach([.. Enumerable.Range(0, parameters.Length)], i => parameters[i] = random.NextSingle() - 0.5f);
        replica.Load(parameters);
        Workspace workspace = plan.CreateWorkspace(training: true);
        AlignedBuffer gradient = new(parameters.Length);
        workspace.SetInput(0, [.. Enumerable.Range(0, plan.Input.Elements).Select(_ => random.NextSingle())]);
        workspace.SetOutputGradient(0, [.. Enumerable.Range(0, plan.Output.Elements).Select(_ => random.NextSingle())]);
        double forward = Time(() =>
        {
            for (int i = 0; i < Images; i++)
            {
                plan.Forward(replica, workspace);
            }
        });
        double backward = Time(() =>
        {
            workspace.BeginShard(gradient);
            for (int i = 0; i < Images; i++)
            {
                plan.Backward(replica, workspace);
            }

            plan.EndShard(workspace);
        });
        return (forward / Images, backward / Images);
    }

    /// <summary>Milliseconds a call.</summary>
    private static double Time(Action action)
    {
        action();
        action();
        int count = 0;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < s_duration)
        {
            action();
            count++;
        }

        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / count;
    }

    private static string Text(double[] values, string format) =>
        string.Join(" / ", values.Select(value => value.ToString(format, CultureInfo.InvariantCulture)));
}
