using Distributed.Framework.Data;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Data;

/// <summary>Short ways to open a source and read from it; every one is read from its files as well.</summary>
internal static class SourceReading
{
    public static PairSource Training(string path, string? noise = null) =>
        Open(new DataOptions { Source = path, Noise = noise });

    /// <summary>Opens a source with its images in memory, after a look that they are the same from their files.
    /// </summary>
    public static PairSource Open(DataOptions options)
    {
        PairSource source = DataSources.OpenTraining(options);
        AssertSame(source, DataSources.OpenTraining(options with { MemoryBytes = 0 }));
        return source;
    }

    /// <summary>The images of a source as they are stored: the clean targets that belong to any noise.</summary>
    public static float[][] Clean(string path, DataOptions? options = null)
    {
        PairSource source = Open((options ?? new DataOptions()) with
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

    /// <summary>Two sources with the same bits, in windows and as whole pictures.</summary>
    public static void AssertSame(PairSource expected, PairSource actual)
    {
        Assert.Equal(
            (expected.Count, expected.Pictures, expected.Shape, expected.TargetShape, expected.ContentHash),
            (actual.Count, actual.Pictures, actual.Shape, actual.TargetShape, actual.ContentHash));
        Assert.Equal(
            expected.Description, actual.Description is null ? null : actual.Description with { StaysInFiles = false });
        for (int i = 0; i < Math.Min(expected.Count, 20); i++)
        {
            Assert.Equal(expected.Pair(i, 3).Input, actual.Pair(i, 3).Input);
            Assert.Equal(expected.Pair(i, 3).Target, actual.Pair(i, 3).Target);
        }

        for (int i = 0; i < Math.Min(expected.Pictures, 20) && expected.ClassCount == 0; i++)
        {
            ImageShape shape = expected.ShapeOf(i);
            Assert.Equal(shape, actual.ShapeOf(i));
            float[][] values = [.. Enumerable.Range(0, 4).Select(_ => new float[shape.Elements])];
            expected.ReadWhole(i, values[0], values[1]);
            actual.ReadWhole(i, values[2], values[3]);
            Assert.Equal(values[0], values[2]);
            Assert.Equal(values[1], values[3]);
        }
    }
}
