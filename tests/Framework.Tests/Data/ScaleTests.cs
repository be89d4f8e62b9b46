using System.Runtime.InteropServices;
using Distributed.Framework.Data;
using Distributed.Framework.Errors;

namespace Distributed.Framework.Tests.Data;

/// <summary>What is said of values that make no use of the scale from 0 to 1.</summary>
public sealed class ScaleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Type, lowest and highest value, and the range to use; none if nothing is wrong.</summary>
    public static TheoryData<string, double, double, double[]> Cases { get; } = new()
    {
        { "<f4", 0, 1, [] },
        { "<f4", -0.4, 1.6, [] },
        { "<f4", 3, 700, [0, 1023] },
        { "<f4", -9, 4000, [0, 4095] },
        { "<f4", 0, 65535, [0, 65535] },
        { "<f4", -2.13, 20.3, [-2.2, 21] },
        { "<f4", 0, 0.0123, [0, 0.013] },
        { "<f8", 0, 3.5, [] },
        { "<f8", 0, 5.5, [0, 5.5] },
        { "<u2", 80, 4016, [0, 4095] },
        { "<u2", 0, 16383, [0, 16383] },
        { "<u2", 0, 30000, [] },
        { "<i2", 0, 900, [0, 1023] },
        { "|u1", 0, 200, [] },
        { "|u1", 0, 12, [0, 15] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Description_ValuesOffTheScale_SuggestsARange(string type, double low, double high, double[] range)
    {
        DataDescription description = Open(Write(type, low, high)).Description!;
        double maximum = type switch { "<u2" => 65535, "<i2" => 32767, "|u1" => 255, _ => 1 };
        Assert.Equal(low / maximum, description.Lowest, 1e-6 * Math.Max(1, Math.Abs(low)));
        Assert.Equal(high / maximum, description.Highest, 1e-6 * Math.Max(1, high));
        Assert.Equal(range.Length == 0, description.ScaleFault is null);
        if (range is [var from, var to])
        {
            Assert.Equal((from, to), description.SuggestedRange);
        }
    }

    [Fact]
    public void Counts_InFloats_TakeTheirRangeAndNothingElseDoes()
    {
        (bool, string, double, double)[] cases =
        [
            (true, "<f4", 0, 700), (false, "<f4", -100, 700), (false, "<f4", 0, 1), (false, "<u2", 0, 700),
            (false, "<f4", 0, 0.01),
        ];
        foreach ((bool isTaken, string type, double low, double high) in cases)
        {
            DataOptions options = Options(Write(type, low, high));
            DataOptions ranged = DataSources.WithRangeOf(options, DataSources.OpenTraining(options));
            Assert.Equal(isTaken, ranged != options);
            Assert.Equal(isTaken ? 1023 : null, ranged.RangeHigh);
        }

        DataOptions given = Options(Write("<f4", 0, 700)) with { RangeLow = 0, RangeHigh = 100 };
        Assert.Same(given, DataSources.WithRangeOf(given, DataSources.OpenTraining(given)));
    }

    /// <summary>A source that is read with a range has the bits that the range gives, whoever chose it.</summary>
    [Fact]
    public void Counts_WithTheirRange_AreThoseOfTheOption()
    {
        DataOptions options = Options(Write("<f4", 0, 700));
        PairSource source = DataSources.OpenTraining(
            DataSources.WithRangeOf(options, DataSources.OpenTraining(options)));
        Assert.Equal((float)(700 / 1023.0), source.Pair(0).Target[1]);
        Assert.Null(source.Description!.ScaleFault);
    }

    [Theory]
    [InlineData("<i4")]
    [InlineData("<u4")]
    [InlineData("<i8")]
    [InlineData("<u8")]
    public void WideIntegers_WithoutARange_AreRefusedWithOne(string type)
    {
        string path = Write(type, 164, 1098);
        DataException fault = Assert.Throws<DataException>(() => Open(path));
        Assert.Contains("from 164 to 1098", fault.Message, StringComparison.Ordinal);
        Assert.Contains("range 0:4095", fault.Remedy, StringComparison.Ordinal);

        PairSource ranged = DataSources.OpenTraining(Options(path) with { RangeLow = 0, RangeHigh = 2000 });
        Assert.Equal([0.082f, 0.549f], ranged.Pair(0).Input);
    }

    private static DataOptions Options(string path) => new() { Source = path };

    private static PairSource Open(string path) => DataSources.OpenTraining(Options(path));

    /// <summary>A pair of 1 x 2 pixels, the two values in both.</summary>
    private string Write(string type, double low, double high)
    {
        double[] values = [low, high, low, high];
        byte[] data = type switch
        {
            "<f4" => Bytes(Array.ConvertAll(values, value => (float)value)),
            "<f8" => Bytes(values),
            "<u2" => Bytes(Array.ConvertAll(values, value => (ushort)value)),
            "<i2" => Bytes(Array.ConvertAll(values, value => (short)value)),
            "<i4" or "<u4" => Bytes(Array.ConvertAll(values, value => (int)value)),
            "<i8" or "<u8" => Bytes(Array.ConvertAll(values, value => (long)value)),
            _ => Array.ConvertAll(values, value => (byte)value),
        };
        return _folder.Write("pair.npy", ArrayFiles.Npy(type, "2, 1, 1, 1, 2", data));
    }

    private static byte[] Bytes<T>(T[] values)
        where T : struct => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
