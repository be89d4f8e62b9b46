using Distributed.Coordinator.Pictures;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Runs;

/// <summary>The end of a life of a run: final weights, numbers, report.</summary>
internal static class RunEnding
{
    /// <summary>Writes what a run leaves, and sums it up.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static TrainResult Write(OpenedRun run, TrainRecord record)
    {
        WriteModel(run);
        RunSummary summary = Summarize(run, record);
        if (run.Options.Trial is null)
        {
            WriteReport(run, summary, record.LastPreview);
        }

        Evaluation? evaluation = record.LastEvaluation;
        return new TrainResult(
            summary,
            record.IsStopped,
            evaluation is { IsClean: true } ? evaluation.InputPsnr : null,
            record.LastPreview?.Path)
        {
            IsEstimated = evaluation?.EstimatedError is not null,
            Pictures = evaluation?.Pictures,
            InputPsnrEstimated = evaluation?.InputPsnrEstimated,
        };
    }

    private static void WriteModel(OpenedRun run)
    {
        Dictionary<string, string> metadata = WeightsMetadata.Of(run.Job.Configuration).ToDictionary();
        AtomicFile.Write(
            run.Folder["model.safetensors"],
            stream => SafetensorsWriter.Write(
                stream, metadata, TrainingCheckpoint.Tensors(run.Job.Model, run.State.Used.Memory)),
            guard: run.Folder.Guard);
    }

    private static RunSummary Summarize(OpenedRun run, TrainRecord record)
    {
        Evaluation? evaluation = record.LastEvaluation;
        Evaluation? clean = evaluation is { IsClean: true } ? evaluation : null;
        return new RunSummary(
            record.StepsDone,
            (double)record.StepsDone / run.Job.Schedule.StepsPerEpoch,
            record.LastLoss,
            clean?.Psnr,
            clean?.PsnrMeanPerImage,
            evaluation?.PsnrEstimated,
            evaluation?.Accuracy,
            record.ImagesPerSecond,
            record.StepTime.TotalSeconds,
            record.Workers,
            record.RecomputedShards,
            WeightsHash.Of(run.State.Parameters.Memory.Span),
            run.Folder.Folder,
            record.StepMeans)
        {
            EmaSha256 = run.State.Average is { } average ? WeightsHash.Of(average.State.Memory.Span) : null,
            Ssim = clean?.Ssim,
            ValidationLoss = evaluation?.Loss,
            Comparison = run.Options.Trial is null && !record.IsStopped ? Compare(run) : null,
            Data = DataLines.ToJson(run.Job.Source),
        };
    }

    private static Comparison? Compare(OpenedRun run) => run.Validation is null
        ? null
        : Comparison.Of(
            run.Job.Model,
            run.State.Used.Memory,
            run.Validation,
            PreviewWriter.Rows,
            Environment.ProcessorCount);

    private static void WriteReport(OpenedRun run, RunSummary summary, Preview? preview)
    {
        IReadOnlyList<ReportPicture> pictures = preview is { Png: var png }
            ? [new ReportPicture("Noisy, denoised and clean", png)]
            : [];
        ReportWriter.Write(run.Folder["report.html"], new RunReport(
            Path.GetFileName(run.Folder.Folder),
            summary,
            run.Job.Configuration.ToJsonObject(),
            MetricsReader.Read(run.Folder["metrics.jsonl"]),
            pictures));
    }
}
