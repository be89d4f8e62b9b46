using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Coordinator.Pictures;

namespace Distributed.Coordinator.Runs;

/// <summary>Where the time of a step went, in the mean over the steps of one life of a run.</summary>
/// <param name="Milliseconds">From the first assignment to the end of the update.</param>
/// <param name="Wait">Of it, until the last sum was here.</param>
/// <param name="Sum">Of it, adding up the sums of the workers.</param>
/// <param name="Update">Of it, the optimizer.</param>
/// <param name="Compute">Milliseconds in shards, over all threads of all workers.</param>
/// <param name="BytesIn">Read from links; none of workers in the coordinator's process.</param>
/// <param name="BytesOut">Written to links.</param>
public sealed record StepMeans(
    double Milliseconds,
    double Wait,
    double Sum,
    double Update,
    double Compute,
    double BytesIn,
    double BytesOut);

/// <summary>What a run came to: the one line of <c>--json</c>, and the head of the report.</summary>
/// <param name="Steps">Optimizer updates done.</param>
/// <param name="Epochs">Passes over the data done.</param>
/// <param name="Loss">Training loss at the end.</param>
/// <param name="Psnr">In dB, over the global error.</param>
/// <param name="PsnrMeanPerImage">In dB, mean of the PSNRs of the images.</param>
/// <param name="PsnrEstimated">In dB, estimated from noisy pairs, for lack of clean images.</param>
/// <param name="Accuracy">Share of right answers, 0 to 1.</param>
/// <param name="ImagesPerSecond">Training samples over the wall time of the steps.</param>
/// <param name="Seconds">Wall time of the steps.</param>
/// <param name="Workers">Workers at the end.</param>
/// <param name="RecomputedShards">Shards that were assigned again because a worker was lost or late.</param>
/// <param name="WeightsSha256">Hash of the trained parameters and buffers: 64 hexadecimal digits.</param>
/// <param name="Run">The run folder.</param>
/// <param name="Step">Where the time of a step went; null if this life did none.</param>
public sealed record RunSummary(
    long Steps,
    double Epochs,
    double? Loss,
    double? Psnr,
    double? PsnrMeanPerImage,
    double? PsnrEstimated,
    double? Accuracy,
    double ImagesPerSecond,
    double Seconds,
    int Workers,
    long RecomputedShards,
    string WeightsSha256,
    string Run,
    StepMeans? Step = null)
{
    /// <summary>Hash of the averaged parameters, then the buffers; null without <c>--ema</c>.</summary>
    public string? EmaSha256 { get; init; }

    /// <summary>Mean structural similarity to clean images; null without them.</summary>
    public double? Ssim { get; init; }

    /// <summary>Loss on the validation data, as a mean; null without them.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The preview's pictures beside a filter without training; null where that says nothing.</summary>
    public Comparison? Comparison { get; init; }

    /// <summary>What was trained on; null for made data.</summary>
    public JsonObject? Data { get; init; }

    /// <summary>One JSON object on one line. What does not apply, and what is not finite, is null.</summary>
    public string ToJson()
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("steps", Steps);
            Write(json, "epochs", Epochs);
            Write(json, "loss", Loss);
            Write(json, "psnr", Psnr);
            Write(json, "psnrMeanPerImage", PsnrMeanPerImage);
            Write(json, "psnrEstimated", PsnrEstimated);
            Write(json, "accuracy", Accuracy);
            Write(json, "ssim", Ssim);
            Write(json, "validationLoss", ValidationLoss);
            Write(json, "previewPsnr", Round(Comparison?.Model));
            Write(json, "previewPsnrInput", Round(Comparison?.Input));
            Write(json, "previewPsnrNonLocalMeans", Round(Comparison?.NonLocalMeans));
            Write(json, "imagesPerSecond", ImagesPerSecond);
            Write(json, "seconds", Seconds);
            json.WriteNumber("workers", Workers);
            json.WriteNumber("recomputedShards", RecomputedShards);
            Write(json, "stepMilliseconds", Round(Step?.Milliseconds));
            Write(json, "waitMilliseconds", Round(Step?.Wait));
            Write(json, "sumMilliseconds", Round(Step?.Sum));
            Write(json, "updateMilliseconds", Round(Step?.Update));
            Write(json, "computeMilliseconds", Round(Step?.Compute));
            Write(json, "bytesInPerStep", Round(Step?.BytesIn));
            Write(json, "bytesOutPerStep", Round(Step?.BytesOut));
            json.WriteString("weightsSha256", WeightsSha256);
            if (EmaSha256 is not null)
            {
                json.WriteString("emaSha256", EmaSha256);
            }

            json.WriteString("run", Run);
            json.WritePropertyName("data");
            if (Data is null)
            {
                json.WriteNullValue();
            }
            else
            {
                Data.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static double? Round(double? value) => value is { } number ? Math.Round(number, 3) : null;

    private static void Write(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
