using System.Globalization;
using Distributed.Framework.Checkpoints;
using Distributed.Framework.Tensors;

namespace Distributed.Framework.Tests.Golden;

/// <summary>One reference case: tensors that PyTorch computed in float64 and rounded to float32.</summary>
internal sealed class GoldenCase
{
    private readonly SafetensorsFile _file;

    private GoldenCase(string path)
    {
        _file = SafetensorsFile.Read(path);
        Name = Path.GetFileNameWithoutExtension(path);
    }

    public string Name { get; }

    public static TheoryData<string> Names(params string[] prefixes)
    {
        TheoryData<string> names = [];
        foreach (string path in Directory.EnumerateFiles(Folder(), "*.safetensors").Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            if (prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
            {
                names.Add(name);
            }
        }

        return names;
    }

    public static GoldenCase Load(string name) => new(Path.Combine(Folder(), name + ".safetensors"));

    public bool Has(string tensor) => _file.Find(tensor) != null;

    public float[] Floats(string tensor) => Find(tensor).ReadFloats();

    public long[] Longs(string tensor) => Find(tensor).ReadInt64s();

    public int[] Shape(string tensor) => [.. Find(tensor).Shape.Select(side => (int)side)];

    /// <summary>A tensor's shape without the batch: vectors become channels, or single-channel rows.</summary>
    public (int N, ImageShape Image) Batch(string tensor)
    {
        int[] shape = Shape(tensor);
        return shape.Length switch
        {
            4 => (shape[0], new ImageShape(shape[1], shape[2], shape[3])),
            2 => (shape[0], new ImageShape(shape[1], 1, 1)),
            1 => (1, new ImageShape(1, 1, shape[0])),
            _ => throw new InvalidOperationException($"{Name}: {tensor} has {shape.Length} dimensions."),
        };
    }

    public string Text(string key) => _file.Metadata[key];

    public int Int(string key, int otherwise = 0) =>
        _file.Metadata.TryGetValue(key, out string? text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    public double Double(string key, double otherwise = 0) =>
        _file.Metadata.TryGetValue(key, out string? text)
            ? double.Parse(text, CultureInfo.InvariantCulture)
            : otherwise;

    private static string Folder() => Path.Combine(AppContext.BaseDirectory, "Golden", "cases");

    private SafetensorsTensor Find(string tensor) =>
        _file.Find(tensor) ?? throw new InvalidOperationException($"{Name} has no tensor {tensor}.");
}

/// <summary>How far two results are apart.</summary>
internal static class Distance
{
    /// <summary>
    /// |actual - expected| / |expected| in the Euclidean norm; the numerator alone if expected is zero.
    /// </summary>
    public static double RelativeL2(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        Assert.Equal(expected.Length, actual.Length);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double d = (double)actual[i] - expected[i];
            difference += d * d;
            norm += (double)expected[i] * expected[i];
        }

        return norm == 0 ? Math.Sqrt(difference) : Math.Sqrt(difference / norm);
    }

    public static void AssertClose(
        string what, ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double tolerance)
    {
        double distance = RelativeL2(actual, expected);
        Assert.True(distance <= tolerance, $"{what}: relative L2 distance {distance:E2}, allowed {tolerance:E2}");
    }

    /// <summary>As the other; one in a thousand, and one more, may differ by <paramref name="far"/>.</summary>
    public static void AssertCloseButFew(
        string what, ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double tolerance, double far)
    {
        float[] apart = new float[expected.Length];
        int[] order = [.. Enumerable.Range(0, expected.Length)];
        for (int i = 0; i < apart.Length; i++)
        {
            apart[i] = -Math.Abs(actual[i] - expected[i]);
        }

        Array.Sort((float[])apart.Clone(), order);
        float[] mended = actual.ToArray();
        foreach (int i in order.AsSpan(0, 1 + (apart.Length / 1000)))
        {
            Assert.True(-apart[i] <= far, $"{what}[{i}]: {actual[i]:G9}, wanted {expected[i]:G9}");
            mended[i] = expected[i];
        }

        AssertClose(what, mended, expected, tolerance);
    }
}
