using Distributed.Framework.Data;

namespace Distributed.Framework.Tests.Data;

/// <summary>Short ways to open a source and read from it.</summary>
internal static class SourceReading
{
    public static PairSource Training(string path, string? noise = null) =>
        DataSources.OpenTraining(new DataOptions { Source = path, Noise = noise });

    /// <summary>The images of a source as they are stored: the clean targets that belong to any noise.</summary>
    public static float[][] Clean(string path, DataOptions? options = null)
    {
        PairSource source = DataSources.OpenTraining((options ?? new DataOptions()) with
        {
            Source = path,
            Noise = "gaussian:1",
            CleanTargets = true,
        });
        return [.. Enumerable.Range(0, source.Count).Select(index => source.Pair(index).Target)];
    }

    public static (float[] Input, float[] Target) Pair(this PairSource source, int index, int epoch = 0)
    {
        float[] input = new float[source.Shape.Elements];
        float[] target = new float[source.TargetShape.Elements];
        source.Read(index, epoch, input, target);
        return (input, target);
    }
}
