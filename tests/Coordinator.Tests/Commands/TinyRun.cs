using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Data.Png;
using Distributed.Framework.Initializers;
using Distributed.Framework.Models;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Tests.Commands;

/// <summary>A run folder as training leaves it, of a small untrained model, and pictures beside it.</summary>
internal sealed class TinyRun : IDisposable
{
    public const string ModelName = "n2n-initial:channels=3";

    private readonly string _root = Directory.CreateTempSubdirectory("distributed-test-").FullName;

    public TinyRun(int channels = 3, DataOptions? data = null)
    {
        Model = new Model(Catalogue.Find(ModelName, channels)!);
        Parameters = new float[Model.ParameterCount];
        DefaultInitializer.Fill(Model, seed: 5, Parameters);
        Configuration = new RunConfiguration
        {
            Model = ModelName,
            Layers = ModelSpec.Write(Model.Root),
            Data = data ?? new DataOptions(),
            DataHash = new string('0', 64),
            Batch = 4,
            Shard = 2,
            Steps = 10,
            InitialWeightsSha256 = new string('0', 64),
        };
        Directory.CreateDirectory(this["run", "checkpoints"]);
        File.WriteAllText(this["run", "config.json"], Configuration.ToJson());
        AtomicFile.Write(this["run", "model.safetensors"], stream => SafetensorsWriter.Write(stream, null, Tensors));
    }

    public string Run => this["run"];

    public Model Model { get; }

    public float[] Parameters { get; }

    public RunConfiguration Configuration { get; }

    public IReadOnlyList<NamedTensor> Tensors => TrainingCheckpoint.Tensors(Model, Parameters);

    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(Parameters)));

    public string this[params string[] names] => Path.Combine([_root, .. names]);

    /// <summary>Replaces the final weights by checkpoints of these steps.</summary>
    public void WriteCheckpoints(params int[] steps)
    {
        File.Delete(this["run", "model.safetensors"]);
        foreach (int step in steps)
        {
            Checkpoint checkpoint = new(
                step, Configuration.ToJson(), Tensors, [], [], new Dictionary<string, string>());
            AtomicFile.Write(CheckpointPath(step), stream => CheckpointFile.Write(stream, checkpoint));
        }
    }

    public string CheckpointPath(int step) => this["run", "checkpoints", $"step-{step:D8}.safetensors"];

    public string WritePng(string name, int width = 7, int height = 5, int channels = 3)
    {
        byte[] pixels = [.. Enumerable.Range(0, width * height * channels).Select(i => (byte)(i * 37))];
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        using FileStream stream = File.Create(this[name]);
        PngEncoder.Encode(new PngImage(width, height, channels, pixels), stream);
        return this[name];
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
