using System.Runtime.InteropServices;
using Distributed.Framework.Tests.Data;

namespace Distributed.EndToEnd.Tests.Harness;

/// <summary>Small files of pairs as torch.save writes them: a tuple of two tensors [N, C, H, W].</summary>
internal static class PairFile
{
    /// <summary>Pairs of smooth pictures with noise of their own, as bytes.</summary>
    public static string Write(string path, int count, int channels = 3, int side = 32, int targetSide = 0)
    {
        targetSide = targetSide == 0 ? side : targetSide;
        Random random = new(count);
        byte[] first = [.. Draw(count, channels, side, random).Select(value => (byte)value)];
        byte[] second = [.. Draw(count, channels, targetSide, random).Select(value => (byte)value)];
        return Write(path, "ByteStorage", first, second, count, channels, side, targetSide);
    }

    /// <summary>The same as floats, with one NaN in the second tensor.</summary>
    public static string WriteWithNaN(string path, int count)
    {
        Random random = new(count);
        float[] first = [.. Draw(count, 3, 32, random).Select(value => value / 255f)];
        float[] second = [.. Draw(count, 3, 32, random).Select(value => value / 255f)];
        second[^5] = float.NaN;
        return Write(
            path,
            "FloatStorage",
            MemoryMarshal.AsBytes<float>(first).ToArray(),
            MemoryMarshal.AsBytes<float>(second).ToArray(),
            count,
            channels: 3,
            side: 32,
            targetSide: 32);
    }

    /// <summary>A file that calls a function of Python when Python loads it.</summary>
    public static string WriteMalicious(string path)
    {
        File.WriteAllBytes(path, PickleBytes.Zip($"cposix\nsystem\n({PickleBytes.Text("touch owned")}tR", []));
        return path;
    }

    private static string Write(
        string path, string storage, byte[] first, byte[] second, int count, int channels, int side, int targetSide)
    {
        string Tensor(string key, int h) => PickleBytes.Tensor(
            storage,
            key,
            elements: (long)count * channels * h * h,
            offset: 0,
            shape: [count, channels, h, h],
            strides: [channels * h * h, h * h, h, 1]);

        string pickle = $"({Tensor("0", side)}{Tensor("1", targetSide)}t";
        File.WriteAllBytes(path, PickleBytes.Zip(pickle, [("0", first), ("1", second)]));
        return path;
    }

    private static IEnumerable<int> Draw(int count, int channels, int side, Random random)
    {
        for (int i = 0; i < count * channels * side * side; i++)
        {
            int x = i % side;
            int y = i / side % side;
            int clean = 128 + (int)(60 * Math.Sin((x * 0.3) + (i / (side * side))) * Math.Cos(y * 0.2));
            yield return Math.Clamp(clean + random.Next(-40, 41), 0, 255);
        }
    }
}
