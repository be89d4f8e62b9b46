using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Experiments.Charts;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;
using Distributed.Framework.Execution;
using Distributed.Framework.Layers;
using Distributed.Framework.Models;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Reports;

/// <summary>Seed 003, section 4: the weights that the report's authors trained in PyTorch, measured here.</summary>
/// <remarks>
/// Nothing is trained: bestmodel.pth is looked for beside the course's files. The report does not give the names of its
/// layers, so weights that have other names than nn.Sequential's are taken in the order of the file, if all shapes fit.
/// </remarks>
internal sealed class BestModel()
    : Reproduction("seed003-bestmodel", "Seed 003, section 4", "the final model's weights, loaded from PyTorch")
{
    private const string FileName = "bestmodel.pth";
    private const string ModelName = "n2n-final";
    private const double Theirs = 25.32;

    /// <inheritdoc/>
    public override IReadOnlyList<Trial> Trials(ReproduceSize size, IReadOnlyList<TrialResult> results) => [];

    /// <inheritdoc/>
    public override ExperimentReport Report(
        ReproduceSize size, IReadOnlyList<TrialResult> results, CancellationToken stop = default)
    {
        string title = $"{Source}: {Shows}";
        string? path = size.Data is null ? null : Path.Combine(size.Data, FileName);
        (Evaluation? measured, string note) = path is null || !File.Exists(path)
            ? (null, $"No {FileName} was given: put it beside train_data.pkl and val_data.pkl in the folder of --data. "
                + $"Then its weights are loaded into {ModelName}, and its PSNR on val_data.pkl stands here beside the "
                + "report's.")
            : Measure(path, Path.Combine(size.Data!, "val_data.pkl"));
        Gain gain = new(measured?.Psnr, measured?.InputPsnr, Steps: null);
        ResultTable table = new(
            title,
            [
                new("row", ""), new("theirs", "Theirs, PSNR (dB)", "0.00"), new("ours", "Ours, PSNR (dB)", "0.00"),
                new("difference", "Ours - theirs", "+0.00;-0.00;0.00"),
                new("ourMean", "Ours, mean per image (dB)", "0.00"), .. Gain.Columns(Metric.Psnr), Gain.RemarkColumn,
            ],
            [
                [
                    FileName, Theirs, measured?.Psnr, measured?.Psnr - Theirs, measured?.PsnrMeanPerImage,
                    .. gain.Cells(Metric.Psnr), gain.Remark,
                ],
            ],
            [note, "Nothing is trained; images are taken as values from 0 to 1."]);
        Spread? ours = measured is null ? null : new Spread(measured.Psnr, 0, 1);
        string drawing = BarChart.Draw(title, "PSNR (dB)", "0.00", [new Bar(FileName, ours, new Spread(Theirs, 0, 1))]);
        return new ExperimentReport([table], [new Figure(Name, drawing)]);
    }

    /// <summary>Measures the weights; what is wrong with a file is said in the table.</summary>
    private static (Evaluation? Measured, string Note) Measure(string path, string data)
    {
        try
        {
            PairSource pairs = DataSources.OpenValidation(new DataOptions { Validation = data })!;
            Sequential layers = ModelLoader.FindLayers(ModelName, pairs.Shape.C);
            Model model = new(layers);
            float[] state = new float[model.StateCount];
            model.InitializeBuffers(state);
            string how = Load(StateDict.Read(path), model, state);
            Plan plan = TrainingJob.CompileFor(model, ModelName, pairs);
            Replica replica = plan.CreateReplica();
            replica.Load(state);
            return (
                Evaluator.Evaluate(plan, replica, pairs, Environment.ProcessorCount),
                $"{FileName}: {model.ParameterCount} parameters, {how}; {pairs.Count} pairs of val_data.pkl.");
        }
        catch (ReportedException exception)
        {
            return (null, $"Not measured: {exception.CommandLine.Cause} {exception.CommandLine.Remedy}");
        }
    }

    private static string Load(StateDict weights, Model model, float[] state)
    {
        NamedTensor[] tensors = [.. weights.Tensors];
        bool haveNames = model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal)
            .SetEquals(tensors.Select(tensor => tensor.Name));
        bool fit = tensors.Length == model.Parameters.Count && tensors.Zip(model.Parameters).All(pair =>
            pair.First.Shape.SequenceEqual(pair.Second.Shape.Select(side => (long)side)));
        if (haveNames || !fit)
        {
            weights.CopyTo(model, state);
            return "by their names";
        }

        foreach ((NamedTensor tensor, ParameterSpec parameter) in tensors.Zip(model.Parameters))
        {
            tensor.Values.Span.CopyTo(state.AsSpan(parameter.Start));
        }

        return "in the order of the file, since they have other names";
    }
}
