using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Distributed.Framework.Checkpoints;

namespace Distributed.Coordinator.Runs;

/// <summary>How a holder let its run go.</summary>
internal enum RunRelease
{
    /// <summary>All steps are done.</summary>
    Finished,

    /// <summary>It was stopped for all: nobody goes on with it unasked.</summary>
    Stopped,

    /// <summary>It cannot go on: whoever tried would fail at the same step.</summary>
    Failed,

    /// <summary>This process ended, not the run: a standby goes on, or a resume.</summary>
    Left,
}

/// <summary>What can be told of a holder without its lock.</summary>
internal enum HolderState
{
    /// <summary>It shows that it lives.</summary>
    Running,

    /// <summary>It shows nothing: stopped, cut off, or dead on another machine.</summary>
    Silent,

    /// <summary>Its process is dead.</summary>
    Gone,

    /// <summary>It let the run go.</summary>
    Released,
}

/// <summary>
/// <c>holder</c> in the run folder: who holds the run, or held it last. One line of JSON that the holder alone writes,
/// and touches as long as it lives. It informs; what decides is the lock.
/// </summary>
/// <param name="Address">HOST:PORT where it listens; null for nowhere.</param>
/// <param name="Process">Its number on its machine.</param>
/// <param name="Host">Its machine.</param>
/// <param name="Since">When it took the lock.</param>
/// <param name="Term">Which life of the coordinator it is; 0 for what has no terms.</param>
/// <param name="Release">How it let the run go; null if it did not.</param>
internal sealed record RunHolder(
    string? Address, int Process, string Host, DateTimeOffset Since, long Term, RunRelease? Release = null)
{
    private const string FileName = "holder";
    private const int BytesMax = 4096;
    private static readonly TimeSpan s_silenceMax = TimeSpan.FromSeconds(3);

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>When the file was touched last.</summary>
    [JsonIgnore]
    public DateTimeOffset Heard { get; init; }

    /// <summary>What to call it.</summary>
    [JsonIgnore]
    public string Name => Address is null ? $"process {Process} on {Host}" : $"coordinator {Address}";

    /// <summary>This process, without an address.</summary>
    public static RunHolder OfThisProcess(long term, TimeProvider clock) =>
        new(Address: null, Environment.ProcessId, Environment.MachineName, clock.GetUtcNow(), term);

    /// <summary>Who holds the run of a folder, or held it last; null if that is not known.</summary>
    public static RunHolder? Find(string folder)
    {
        try
        {
            FileInfo file = new(Path.Combine(folder, FileName));
            return file.Exists && file.Length <= BytesMax
                && JsonSerializer.Deserialize<RunHolder>(File.ReadAllText(file.FullName), s_json) is { } holder
                && IsPrintable(holder.Host) && IsPrintable(holder.Address ?? "")
                ? holder with { Heard = file.LastWriteTimeUtc }
                : null;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes it, in one piece.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void Write(string folder) =>
        AtomicFile.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, s_json) + "\n");

    /// <summary>Shows that the holder of a folder lives.</summary>
    public static void Touch(string folder, TimeProvider clock) =>
        File.SetLastWriteTimeUtc(Path.Combine(folder, FileName), clock.GetUtcNow().UtcDateTime);

    /// <summary>How long it has shown nothing.</summary>
    public TimeSpan Silence(TimeProvider clock) => clock.GetUtcNow() - Heard;

    /// <summary>What can be told of it.</summary>
    public HolderState State(TimeProvider clock) =>
        Release is not null ? HolderState.Released
        : Silence(clock) < s_silenceMax ? HolderState.Running
        : IsDead() ? HolderState.Gone
        : HolderState.Silent;

    /// <summary>Whether it was a process of this machine that is no more; another may have got its number.</summary>
    private bool IsDead()
    {
        if (Host != Environment.MachineName)
        {
            return false;
        }

        try
        {
            using Process process = System.Diagnostics.Process.GetProcessById(Process);
            return process.HasExited || process.StartTime.ToUniversalTime() > Since.UtcDateTime.AddSeconds(2);
        }
        catch (ArgumentException)
        {
            return true;
        }
        catch (Exception exception) when (exception is InvalidOperationException
            or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static bool IsPrintable(string text) => text.All(character => character is > ' ' and <= '~');
}
