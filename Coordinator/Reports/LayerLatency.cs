using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Experiments.Charts;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;

namespace Distributed.Coordinator.Reports;

/// <summary>Seed 000, table 2: time of single layers forward and backward, beside PyTorch's on this machine.</summary>
internal sealed class LayerLatency()
    : Reproduction("seed000-table2", "Seed 000, table 2", "latency of layers against PyTorch, one thread each")
{
    private const int Side = 32;
    private const int Images = 32;
    private const int RepeatsFull = 200;
    private const int RepeatsMin = 10;

    /// <summary>Prints [version, [[forward mean, sd, backward mean, sd], ...]] in milliseconds.</summary>
    private const string Script = """
        import json, sys, time, torch
        torch.set_num_threads(1)
        out = []
        repeats = int(sys.argv[1])
        for argument in sys.argv[2:]:
            kind, a, b = argument.split(',')
            layer = getattr(torch.nn, kind)(int(a), int(b), 3, padding=1)
            x = torch.rand(32, int(a), 32, 32)
            f, g = [], []
            for i in range(repeats + 3):
                t = time.perf_counter(); y = layer(x); u = time.perf_counter()
                d = torch.ones_like(y); v = time.perf_counter(); y.backward(d); w = time.perf_counter()
                if i >= 3: f.append(1e3 * (u - t)); g.append(1e3 * (w - v))
            row = []
            for v in (f, g):
                m = sum(v) / len(v); row += [m, (sum((s - m) ** 2 for s in v) / (len(v) - 1)) ** 0.5]
            out.append(row)
        print(json.dumps([torch.__version__, out]))
        """;

    private static readonly (string Kind, int In, int Out)[] s_layers =
        [("Conv2d", 3, 32), ("Conv2d", 32, 32), ("ConvTranspose2d", 32, 32), ("ConvTranspose2d", 32, 3)];

    /// <inheritdoc/>
    public override IReadOnlyList<Trial> Trials(ReproduceSize size, IReadOnlyList<TrialResult> results) => [];

    /// <inheritdoc/>
    public override ExperimentReport Report(
        ReproduceSize size, IReadOnlyList<TrialResult> results, CancellationToken stop = default)
    {
        int repeats = Math.Max(RepeatsMin, (int)(RepeatsFull * size.Scale));
        (string Version, Spread[] Times)? torch = AskPyTorch(repeats, stop);
        List<IReadOnlyList<object?>> rows = [];
        List<Bar> bars = [];
        for (int i = 0; i < s_layers.Length; i++)
        {
            (string kind, int inputs, int outputs) = s_layers[i];
            Spread[] ours = Measure(kind, inputs, outputs, repeats);
            for (int pass = 0; pass < 2; pass++)
            {
                string name = $"{kind} {inputs} to {outputs}, {(pass == 0 ? "forward" : "backward")}";
                Spread? theirs = torch?.Times[(2 * i) + pass];
                rows.Add([name, theirs?.Mean, theirs?.Deviation, ours[pass].Mean, ours[pass].Deviation]);
                bars.Add(new Bar(name, ours[pass], theirs));
            }
        }

        string title = $"{Source}: {Shows}";
        ResultTable table = new(
            title,
            [
                new("layer", "Layer"), new("theirs", "PyTorch (ms)", "0.000"), new("theirDeviation", "SD", "0.000"),
                new("ours", "Ours (ms)", "0.000"), new("ourDeviation", "SD", "0.000"),
            ],
            rows,
            [
                torch is null
                    ? $"{PyTorch.Missing}: ours alone."
                    : $"PyTorch {torch.Value.Version}, on this machine, one thread.",
                $"A batch of {Images} images {Side} x {Side}, kernel 3, padding 1; {repeats} times.",
                "The report: convolution forward 3.01 s theirs, 1.95 s PyTorch; backward 2.7 s theirs, 1.65 s PyTorch; "
                + "sizes are not given.",
            ]);
        return new ExperimentReport(
            [table], [new Figure("seed000-table2", BarChart.Draw(title, "Milliseconds", "0.00", bars))]);
    }

    private static Spread[] Measure(string kind, int inputs, int outputs, int repeats)
    {
        Layer layer = kind == "Conv2d"
            ? new Conv2d(inputs, outputs, 3, padding: 1)
            : new ConvTranspose2d(inputs, outputs, 3, padding: 1);
        Plan plan = new Model(new Sequential(layer)).Compile(new ImageShape(inputs, Side, Side));
        float[] parameters = new float[plan.Model.ParameterCount];
        Array.Fill(parameters, 0.01f);
        Replica replica = plan.CreateReplica();
        replica.Load(parameters);
        Workspace workspace = plan.CreateWorkspace(training: true);
        AlignedBuffer gradient = new(parameters.Length);
        float[] image = [.. Enumerable.Range(0, plan.Input.Elements).Select(i => i % 255 / 255f)];
        float[] ones = new float[plan.Output.Elements];
        Array.Fill(ones, 1f);
        const int WarmUp = 10;
        List<double?>[] times = [[], []];
        for (int run = -WarmUp; run < repeats; run++)
        {
            long forward = 0;
            long backward = 0;
            workspace.BeginShard(gradient);
            for (int first = 0; first < Images; first += plan.ImagesPerPass)
            {
                int count = Math.Min(plan.ImagesPerPass, Images - first);
                workspace.BeginPass(count);
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < count; i++)
                {
                    workspace.SetInput(i, image);
                }

                plan.Forward(replica, workspace);
                long middle = Stopwatch.GetTimestamp();
                for (int i = 0; i < count; i++)
                {
                    workspace.SetOutputGradient(i, ones);
                }

                plan.Backward(replica, workspace);
                forward += middle - start;
                backward += Stopwatch.GetTimestamp() - middle;
            }

            long last = Stopwatch.GetTimestamp();
            plan.EndShard(workspace);
            backward += Stopwatch.GetTimestamp() - last;
            if (run >= 0)
            {
                times[0].Add(forward * 1e3 / Stopwatch.Frequency);
                times[1].Add(backward * 1e3 / Stopwatch.Frequency);
            }
        }

        return [Spread.Of(times[0])!.Value, Spread.Of(times[1])!.Value];
    }

    private static (string Version, Spread[] Times)? AskPyTorch(int repeats, CancellationToken stop)
    {
        string[] arguments =
        [
            repeats.ToString(CultureInfo.InvariantCulture),
            .. s_layers.Select(layer => $"{layer.Kind},{layer.In},{layer.Out}"),
        ];
        return PyTorch.Run(Script, arguments, write: null, stop) is { } text ? Parse(text, repeats) : null;
    }

    private static (string Version, Spread[] Times) Parse(string text, int repeats)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        double[][] rows = document.RootElement[1].Deserialize<double[][]>()!;
        return (
            document.RootElement[0].GetString()!,
            [
                .. rows.SelectMany(row =>
                    new[] { new Spread(row[0], row[1], repeats), new Spread(row[2], row[3], repeats) }),
            ]);
    }
}
