using Akka.Actor;
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
    /// <param name="find">Finds what is known of a worker.</param>
    /// <param name="members">Addresses of the cluster's members; whoever else takes part cannot be dialled.</param>
    /// <param name="now">Since the run began here.</param>
    public static RunStatus Of(
        CoordinatorSettings settings,
        CoordinatorMachine machine,
        Func<SessionId, Peer?> find,
        IReadOnlySet<Address> members,
        Timestamp now)
    {
        BatchSchedule schedule = settings.Job.Schedule;
        return new RunStatus
        {
            Run = settings.Run,
            State = machine.StateName,
            Step = machine.Step.Value,
            StepsTotal = schedule.StepsTotal,
            Epoch = machine.Step.Value / schedule.StepsPerEpoch,
            Loss = settings.Metrics?.Step?.Loss,
            Psnr = settings.Metrics?.Evaluation is { IsClean: true } evaluation ? evaluation.Psnr : null,
            ImagesPerSecond = settings.Metrics?.Step?.ImagesPerSecond ?? 0,
            Term = settings.Term.Value,
            UptimeSeconds = now.SinceStart.TotalSeconds,
            Workers = [.. machine.Members.Select(member => Of(member, find(member.Worker), members))],
        };
    }

    private static WorkerStatus Of(MemberStatus member, Peer? peer, IReadOnlySet<Address> members)
    {
        RemoteWorker? remote = peer?.Reference as RemoteWorker;
        return new WorkerStatus(
            member.Name,
            member.Host,
            member.Threads,
            remote is null ? WorkerKind.Local
                : members.Contains(remote.Address) ? WorkerKind.Member : WorkerKind.Peer,
            member.State,
            member.ShardsPerSecond,
            peer?.Metrics?.Compute.TotalSeconds ?? 0,
            remote?.Channel?.Traffic.Received ?? 0,
            remote?.Channel?.Traffic.Sent ?? 0,
            peer?.Metrics?.LastSeen.TotalSeconds ?? 0);
    }
}
