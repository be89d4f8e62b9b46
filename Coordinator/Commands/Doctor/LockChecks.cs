using System.Diagnostics;
using System.Globalization;
using Distributed.Coordinator.Runs;
using Distributed.Protocol;

namespace Distributed.Coordinator.Commands.Doctor;

/// <summary>Whether the disk of a run folder keeps a second coordinator out, and who holds the run.</summary>
/// <remarks>A folder of its own is locked, not the run: a coordinator that starts now would be refused.</remarks>
internal static class LockChecks
{
    /// <summary>The option that makes this program the second process: with a folder, and hidden.</summary>
    public const string TryOption = "--try-lock";

    private const string Advice = "No standby can be trusted there: put the run on a file system that holds locks, and "
        + "leave DOTNET_SYSTEM_IO_DISABLEFILELOCKING unset.";

    private static readonly TimeSpan s_skewMax = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Who holds the run; a lock tried by a second process; the file system's clock.</summary>
    /// <param name="folder">The run folder, or where it is to be.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="tryLock">Tries a folder's lock in a second process: an exit code.</param>
    public static IEnumerable<Finding> Check(string folder, TimeProvider clock, Func<string, int> tryLock)
    {
        yield return ConfigurationFile.IsIn(folder)
            ? new Finding(Health.Ok, "run", FolderStatus.Read(folder, clock).ToLine())
            : new Finding(Health.Ok, "run", $"none in {folder} yet");
        string place = DiskChecks.Nearest(folder);
        string own = Path.Combine(
            place, string.Create(CultureInfo.InvariantCulture, $".doctor-lock-{Environment.ProcessId}"));
        Finding[] findings;
        try
        {
            Directory.CreateDirectory(own);
            findings = [Lock(own, tryLock), Skew(own, clock)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            findings = [new Finding(Health.Fail, "lock", $"{place}: {exception.Message}", "Fix its permissions.")];
        }
        finally
        {
            if (Directory.Exists(own))
            {
                Directory.Delete(own, recursive: true);
            }
        }

        foreach (Finding finding in findings)
        {
            yield return finding;
        }
    }

    /// <summary>What the second process does.</summary>
    /// <returns><see cref="ExitCodes.Done"/> if it could lock the folder, else another code.</returns>
    public static int TryLock(string folder)
    {
        using RunLock? taken = RunLock.TryTake(folder);
        return taken is null ? ExitCodes.BadInput : ExitCodes.Done;
    }

    /// <summary>Starts this program once more to try a folder's lock.</summary>
    public static int TryInSecondProcess(string folder)
    {
        string program = Environment.ProcessPath!;
        string[] arguments = ["doctor", TryOption, folder];
        ProcessStartInfo start = new(
            program,
            Path.GetFileNameWithoutExtension(program) == "dotnet"
                ? [Path.Combine(AppContext.BaseDirectory, "coordinator.dll"), .. arguments]
                : arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (process.WaitForExit(s_patience))
        {
            return process.ExitCode;
        }

        process.Kill();
        return ExitCodes.Failed;
    }

    private static Finding Lock(string folder, Func<string, int> tryLock)
    {
        int whileHeld;
        try
        {
            using RunLock held = RunLock.Take(folder);
            whileHeld = tryLock(folder);
            held.Verify();
        }
        catch (RunLostException exception)
        {
            return new Finding(Health.Fail, "lock", exception.Message, Advice);
        }

        int whenFree = tryLock(folder);
        return (whileHeld, whenFree) switch
        {
            (ExitCodes.BadInput, ExitCodes.Done) =>
                new Finding(Health.Ok, "lock", "kept a second process out, and let it in when it was free"),
            (ExitCodes.Done, _) => new Finding(
                Health.Fail, "lock", "a second process took it while it was held.", Advice),
            _ => new Finding(
                Health.Fail,
                "lock",
                $"the second process ended with {whileHeld} while it was held, {whenFree} when it was free.",
                "Try again; if it stays so, do not rely on a standby there."),
        };
    }

    /// <summary>How long a holder has been silent is told from a time in its folder.</summary>
    private static Finding Skew(string folder, TimeProvider clock)
    {
        string path = Path.Combine(folder, "time");
        File.WriteAllText(path, "");
        TimeSpan ahead = File.GetLastWriteTimeUtc(path) - clock.GetUtcNow().UtcDateTime;
        string text = string.Create(
            CultureInfo.InvariantCulture, $"the file system's is {ahead.TotalSeconds:+0.0;-0.0;0.0} s ahead");
        return ahead.Duration() <= s_skewMax
            ? new Finding(Health.Ok, "its clock", text)
            : new Finding(Health.Warn, "its clock", text + ".", "Synchronize it with this machine's.");
    }
}
