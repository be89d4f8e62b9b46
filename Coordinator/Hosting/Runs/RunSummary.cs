using System.Text;
using System.Text.Json;

namespace Distributed.Coordinator.Hosting.Runs;

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
/// <param name="RecomputedLeaves">Leaves that were assigned again because a worker was lost or late.</param>
/// <param name="WeightsSha256">Hash of the final parameters and buffers: 64 hexadecimal digits.</param>
/// <param name="Run">The run folder.</param>
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
    long RecomputedLeaves,
    string WeightsSha256,
    string Run)
{
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
            Write(json, "imagesPerSecond", ImagesPerSecond);
            Write(json, "seconds", Seconds);
            json.WriteNumber("workers", Workers);
            json.WriteNumber("recomputedLeaves", RecomputedLeaves);
            json.WriteString("weightsSha256", WeightsSha256);
            json.WriteString("run", Run);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

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
