using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Reports;

/// <summary>Trains in PyTorch what a trial has trained here: the same initial weights, batches and noise.</summary>
/// <remarks>
/// For SGD without momentum, the mean squared error and a constant rate. What PyTorch reads comes through a pipe: the
/// initial weights; each batch as its number of samples (int32), their inputs and their targets; 0; the validation
/// pairs likewise; 0. All floats are float32, [C, H, W].
/// </remarks>
internal static class PyTorchTraining
{
    private const int ValidationBatch = 100;

    /// <summary>Prints [version, PSNR over all validation elements].</summary>
    private const string Script = """
        import json, math, sys, torch
        from torch import nn
        rate, c, h, w = float(sys.argv[2]), *map(int, sys.argv[3:6])
        pipe = sys.stdin.buffer
        def layer(spec):
            spec = {"type": spec} if isinstance(spec, str) else dict(spec)
            kind = spec.pop("type")
            if kind == "Sequential":
                return nn.Sequential(*map(layer, spec["inner"]))
            if kind == "NearestUpsample2d":
                return nn.Upsample(scale_factor=spec["scale_factor"], mode="nearest")
            return getattr(nn, kind)(**spec)
        def read(count):
            data = bytearray(4 * count)
            if pipe.readinto(data) != len(data):
                sys.exit(1)
            return torch.frombuffer(data, dtype=torch.float32)
        def batches():
            while (n := int.from_bytes(pipe.read(4), sys.byteorder)) > 0:
                pairs = read(2 * n * c * h * w).view(2, n, c, h, w)
                yield pairs[0], pairs[1]
        model = layer({"type": "Sequential", "inner": json.loads(sys.argv[1])})
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(read(p.numel()).view_as(p))
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        for x, y in batches():
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
        errors, count = 0.0, 0
        with torch.no_grad():
            for x, y in batches():
                errors += (model(x) - y).double().square().sum().item()
                count += y.numel()
        print(json.dumps([torch.__version__, -10 * math.log10(errors / count)]))
        """;

    /// <summary>Trains, on all cores.</summary>
    /// <param name="trial">What was trained here; its run folder has its configuration.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>The version of PyTorch, and what it came to; null if it is not here, or was ended.</returns>
    /// <exception cref="ReportedException">The run's data are there no more.</exception>
    public static (string Version, TrialResult Result)? Run(TrialResult trial, CancellationToken stop)
    {
        if (trial.Status != TrialStatus.Done || ConfigurationFile.Find(trial.Run) is not { } configuration)
        {
            return null;
        }

        long began = Stopwatch.GetTimestamp();
        string? text = PyTorch.Run(Script, ArgumentsOf(configuration, out RunData data), Write, stop);
        if (text is null)
        {
            return null;
        }

        using JsonDocument document = JsonDocument.Parse(text);
        return (
            document.RootElement[0].GetString()!,
            trial with
            {
                Psnr = document.RootElement[1].GetDouble(),
                Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
            });

        void Write(Stream pipe)
        {
            TrainingJob job = new(configuration, data.Training);
            PyTorch.Write(pipe, OpenedRun.InitialWeights(configuration, job.Model));
            for (int step = 0; step < trial.Steps; step++)
            {
                BatchSlice slice = job.Schedule.At(step);
                WriteBatch(
                    pipe,
                    job.Source,
                    slice.Epoch,
                    [.. Enumerable.Range(slice.First, slice.Count).Select(place => job.Order.At(slice.Epoch, place))]);
            }

            WriteBatch(pipe, job.Source, 0, []);
            PairSource validation = data.Validation!;
            foreach (int[] samples in Enumerable.Range(0, validation.Count).Chunk(ValidationBatch))
            {
                WriteBatch(pipe, validation, 0, samples);
            }

            WriteBatch(pipe, validation, 0, []);
        }
    }

    private static string[] ArgumentsOf(RunConfiguration configuration, out RunData data)
    {
        data = RunData.Open(configuration);
        return
        [
            configuration.Layers.ToJsonString(),
            configuration.Optimizer.LearningRate.ToString("R", CultureInfo.InvariantCulture),
            .. new[] { data.Training.Shape.C, data.Training.Shape.H, data.Training.Shape.W }
                .Select(side => side.ToString(CultureInfo.InvariantCulture)),
        ];
    }

    private static void WriteBatch(Stream pipe, PairSource source, int epoch, int[] samples)
    {
        int elements = source.Shape.Elements;
        float[] inputs = new float[samples.Length * elements];
        float[] targets = new float[samples.Length * elements];
        Parallel.For(0, samples.Length, i => source.Read(
            samples[i], epoch, inputs.AsSpan(i * elements, elements), targets.AsSpan(i * elements, elements)));
        pipe.Write(MemoryMarshal.AsBytes<int>([samples.Length]));
        PyTorch.Write(pipe, inputs);
        PyTorch.Write(pipe, targets);
    }
}
