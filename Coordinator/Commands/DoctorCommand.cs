using System.CommandLine;
using Distributed.Coordinator.Actors;
using Distributed.Coordinator.Commands.Doctor;
using Distributed.Coordinator.Runs;
using Distributed.Framework.Training;
using Distributed.Protocol;
using Distributed.Protocol.Cluster;

namespace Distributed.Coordinator.Commands;

/// <summary><c>doctor</c>: whether training works on this machine, and how well.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan s_clockWait = TimeSpan.FromMilliseconds(50);

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("doctor", "Check this machine: processor, numerics, memory, disk, clock");
        Option<string?> run = StrictOptions.Text(
            "--run", "DIR", "Also a run folder: who holds it, whether its disk holds a lock [where runs go]");
        Option<string?> tryLock = StrictOptions.Text(LockChecks.TryOption, "DIR", "Only try a lock");
        tryLock.Hidden = true;
        Option<HostPort[]?> join = StrictOptions.HostsAndPorts(
            "--join", "Also whether a worker here could join a coordinator, and whether as a member or as a peer");
        Option<string?> tokenFile = StrictOptions.Text(
            "--token-file", "FILE", $"With --join: file of the workers' token [{Token.EnvironmentVariable}]");
        command.Options.Add(join);
        command.Options.Add(tokenFile);
        command.Options.Add(run);
        command.Options.Add(tryLock);
        command.SetAction(async (result, _) =>
        {
            if (result.GetValue(tryLock) is { } tried)
            {
                return LockChecks.TryLock(tried);
            }

            TrainSettings settings = TrainSettings.Read(context.OpenSettings);
            string? folder = result.GetValue(run);
            string root = folder ?? settings.RunsRoot ?? new TrainOptions().RunsRoot;
            return Report(
                context.Output,
                [
                    .. MachineChecks.System(context.Clock),
                    MachineChecks.Numerics(NumericsFingerprint.Compute),
                    .. DiskChecks.Check(root, context.Clock),
                    MachineChecks.Clock(context.Clock, () => Thread.Sleep(s_clockWait)),
                    .. folder is null
                        ? []
                        : LockChecks.Check(folder, context.Clock, LockChecks.TryInSecondProcess),
                    .. result.GetValue(join) is { Length: > 0 } addresses
                        ? await JoinAsync(addresses, result.GetValue(tokenFile), context.Clock)
                        : [],
                ]);
        });
        return command;
    }

    private static Task<IReadOnlyList<Finding>> JoinAsync(
        IReadOnlyList<HostPort> addresses, string? tokenFile, TimeProvider clock)
    {
        Token token = Token.Require(tokenFile);
        return JoinChecks.CheckAsync(
            addresses, token, TrainSession.Version, NumericsFingerprint.Compute(), clock);
    }

    /// <summary>Writes a line for each finding, and how it comes out.</summary>
    internal static int Report(TextWriter writer, IReadOnlyList<Finding> findings)
    {
        foreach (Finding finding in findings)
        {
            writer.WriteLine(finding);
        }

        int failed = findings.Count(finding => finding.Health == Health.Fail);
        int warned = findings.Count(finding => finding.Health == Health.Warn);
        writer.WriteLine(failed > 0 ? $"{failed} of {findings.Count} checks failed."
            : warned > 0 ? $"All works; {warned} of {findings.Count} checks warn." : "All is well.");
        return failed > 0 ? ExitCodes.Failed : ExitCodes.Done;
    }
}
