using System.Text;
using Distributed.Coordinator.Experiments;
using Distributed.Coordinator.Reports;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Data;
using Distributed.Framework.Training;

namespace Distributed.Coordinator.Tests.Experiments;

/// <summary>Weights beside the course's files are measured; without them the table says what is missing.</summary>
/// <remarks>Files are told apart by content, so stand-ins of other formats will do under the course's names.</remarks>
public sealed class BestModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-test-").FullName;
    private readonly Network _network = Network.Create("n2n-final", seed: 3);

    private string Weights => Path.Combine(_folder, "bestmodel.pth");

    public BestModelTests()
    {
        byte[] pixels = [.. Enumerable.Range(0, 2 * 2 * 3 * 12 * 12).Select(i => (byte)(i * 31))];
        byte[] header = Encoding.ASCII.GetBytes(
            "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 3, 12, 12), }\n");
        File.WriteAllBytes(
            Path.Combine(_folder, "val_data.pkl"),
            [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, .. pixels]);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Weights_ByTheirNamesOrInOrder_AreMeasured(bool hasNames)
    {
        NamedTensor[] tensors =
        [
            .. _network.Param().Select((pair, i) => new NamedTensor(
                hasNames ? _network.Model.Parameters[i].Name : $"layer{i}",
                [.. pair.Parameter.Shape.Select(side => (long)side)],
                pair.Parameter.Span.ToArray())),
        ];
        AtomicFile.Write(Weights, stream => SafetensorsWriter.Write(stream, null, tensors));

        ResultTable table = Report(_folder);

        DataOptions data = new() { Validation = Path.Combine(_folder, "val_data.pkl") };
        Assert.Equal(25.32, table.Rows[0][1]);
        Assert.Equal(_network.Evaluate(DataSources.OpenValidation(data)!).Psnr, table.Rows[0][2]);
        Assert.Contains("188403 parameters", table.Notes[0], StringComparison.Ordinal);
        Assert.Equal(hasNames, table.Notes[0].Contains("by their names", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_TheTableSaysWhatIsMissing()
    {
        Assert.All([Report(null), Report(_folder)], table =>
        {
            Assert.Null(table.Rows[0][2]);
            Assert.Contains("No bestmodel.pth was given", table.Notes[0], StringComparison.Ordinal);
        });
    }

    [Fact]
    public void AnotherModelsWeights_AreNotMeasured_AndTheTableSaysWhy()
    {
        Network.Create("n2n-initial").Save(Weights);
        ResultTable table = Report(_folder);
        Assert.Null(table.Rows[0][2]);
        Assert.StartsWith("Not measured", table.Notes[0], StringComparison.Ordinal);
    }

    private static ResultTable Report(string? data) =>
        Assert.Single(Reproductions.Find("seed003-bestmodel")!.Report(new ReproduceSize(1, data, null), []).Tables);
}
