using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Models;
using Distributed.Framework.Tensors;
using Distributed.Framework.Training;

namespace Distributed.Worker.Tests;

/// <summary>A small model and twelve pictures, 921,779 bytes when packed: three shards a step.</summary>
internal static class TestJob
{
    public const int ShardCount = 3;
    private const int Side = 160;
    private const string Model = "n2n-initial:channels=4";

    /// <summary>The pictures, open and in memory; the folder that they came from is gone.</summary>
    public static PairSource Source { get; } = Open();

    public static RunConfiguration Configuration { get; } = new()
    {
        Model = Model,
        Layers = ModelSpec.Write(Catalogue.Find(Model, Source.Shape.C)!),
        Data = Options("elsewhere"),
        DataHash = Source.ContentHash,
        DataIndex = Source.Packed!.Index.Hash,
        Batch = 6,
        Shard = 2,
        Steps = 1000,
        InitialWeightsSha256 = "",
    };

    public static TrainingJob Create() => new(Configuration, Source);

    /// <summary>Weights of any value.</summary>
    public static PooledBuffer Weights(BufferPool pool)
    {
        PooledBuffer weights = pool.Rent();
        weights.Values.Span.Fill(0.01f);
        return weights;
    }

    private static DataOptions Options(string source) => new() { Source = source, Noise = "gaussian:25", Crop = 16 };

    private static PairSource Open()
    {
        string folder = Directory.CreateTempSubdirectory("distributed-pictures-").FullName;
        Random random = new(1);
        for (int i = 0; i < 12; i++)
        {
            byte[] pixels = new byte[3 * Side * Side];
            random.NextBytes(pixels);
            using FileStream file = File.Create(Path.Combine(folder, $"{i:000}.png"));
            PngEncoder.Encode(new PngImage(Side, Side, 3, pixels), file);
        }

        PairSource source = DataSources.OpenTraining(Options(folder));
        Directory.Delete(folder, recursive: true);
        return source;
    }
}
