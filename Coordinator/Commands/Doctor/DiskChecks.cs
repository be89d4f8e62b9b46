using System.Globalization;
using Distributed.Framework.Checkpoints;

namespace Distributed.Coordinator.Commands.Doctor;

/// <summary>Whether runs can be written where they go.</summary>
internal static class DiskChecks
{
    private const long EnoughBytes = 1L << 30;
    private const long LeastBytes = 64L << 20;
    private static readonly TimeSpan s_slow = TimeSpan.FromMilliseconds(500);

    /// <summary>Free space, and a file written, flushed and removed.</summary>
    /// <param name="root">The folder of runs; if it is not there yet, the nearest one above is looked at.</param>
    /// <param name="clock">Takes the time of the flush.</param>
    public static IEnumerable<Finding> Check(string root, TimeProvider clock)
    {
        string folder = Nearest(root);
        if (File.Exists(folder))
        {
            yield return new Finding(
                Health.Fail, "runs", $"{folder} is a file, not a folder.", "Remove it, or set Train:RunsRoot.");
            yield break;
        }

        yield return Space(folder, new DriveInfo(folder).AvailableFreeSpace);
        yield return Writing(folder, clock);
    }

    /// <summary>A folder, or the nearest above it that is there.</summary>
    internal static string Nearest(string folder)
    {
        string path = Path.GetFullPath(folder);
        while (!Path.Exists(path))
        {
            path = Path.GetDirectoryName(path)!;
        }

        return path;
    }

    /// <summary>Judges the free space.</summary>
    internal static Finding Space(string folder, long bytes)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB free for {folder}");
        return bytes switch
        {
            < LeastBytes => new Finding(Health.Fail, "disk", text + ".", "Free space, or set Train:RunsRoot."),
            < EnoughBytes => new Finding(Health.Warn, "disk", text + ".", "A run with checkpoints may not fit."),
            _ => new Finding(Health.Ok, "disk", text),
        };
    }

    private static Finding Writing(string folder, TimeProvider clock)
    {
        string path = Path.Combine(
            folder, string.Create(CultureInfo.InvariantCulture, $".doctor-{Environment.ProcessId}"));
        try
        {
            long start = clock.GetTimestamp();
            AtomicFile.WriteAllBytes(path, new byte[1 << 20]);
            TimeSpan time = clock.GetElapsedTime(start);
            File.Delete(path);
            string text = string.Create(
                CultureInfo.InvariantCulture, $"1 MiB written and flushed in {time.TotalMilliseconds:0} ms");
            return time < s_slow
                ? new Finding(Health.Ok, "writing", text)
                : new Finding(Health.Warn, "writing", text + ".", "Checkpoints will be slow; use a local disk.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Finding(
                Health.Fail,
                "writing",
                $"{folder} cannot be written: {exception.Message}",
                "Fix its permissions, or set Train:RunsRoot.");
        }
    }
}
