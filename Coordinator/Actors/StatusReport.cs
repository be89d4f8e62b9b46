using Distributed.Coordinator.Core;
using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Actors;

/// <summary>How a run is getting on, for whoever asks over the network.</summary>
internal static class StatusReport
{
    /// <summary>Takes it down.</summary>
    /// <param name="settings">The run.</param>
    /// <param name="machine">Knows who is there.</param>
    /// <param name="find">Finds a worker of another process.</param>
    /// <param name="now">Since the run began here.</param>
    public static RunStatus Of(
        CoordinatorSettings settings, CoordinatorMachine machine, Func<SessionId, RemoteWorker?> find, Timestamp now)
    {
        BatchSchedule schedule = settings.Job.Schedule;
        return new RunStatus
        {
            Run = settings.Run,
            State = machine.StateName,
            Step = machine.Step.Value,
            StepsTotal = schedule.StepsTotal,
            Epoch = machine.Step.Value / schedule.StepsPerEpoch,
            Term = settings.Term.Value,
            UptimeSeconds = now.SinceStart.TotalSeconds,
            Workers = [.. machine.Members.Select(member => Of(member, find(member.Worker)))],
        };
    }

    private static WorkerStatus Of(MemberStatus member, RemoteWorker? remote) => new(
        member.Name,
        member.Host,
        member.Threads,
        remote is null ? WorkerKind.Local : remote.IsMember ? WorkerKind.Member : WorkerKind.Peer,
        member.State,
        member.ShardsPerSecond,
        ComputeSeconds: 0,
        remote?.Channel?.Traffic.Received ?? 0,
        remote?.Channel?.Traffic.Sent ?? 0,
        SecondsSinceHeard: 0);
}
