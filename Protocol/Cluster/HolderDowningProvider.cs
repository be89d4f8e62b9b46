using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Distributed.Protocol.Actors;

namespace Distributed.Protocol.Cluster;

/// <summary>Makes a system the one that downs members: the coordinator's that holds the run.</summary>
/// <param name="isHeard">Whether a member's tensor channel stands; any thread.</param>
/// <param name="note">Told a line when others call a member unreachable that is heard here.</param>
public sealed class HolderSetup(Func<Address, bool> isHeard, Action<string> note) : Setup
{
    internal bool IsHeard(Address member) => isHeard(member);

    internal void Note(string line) => note(line);
}

/// <summary>Only the coordinator that holds the run downs members; nobody else decides anything.</summary>
/// <remarks>The split brain resolver would leave it to the cluster's leader, which may be a worker.</remarks>
/// <param name="system">Which system.</param>
/// <param name="cluster">Its membership.</param>
public sealed class HolderDowningProvider(ActorSystem system, Akka.Cluster.Cluster cluster) : IDowningProvider
{
    /// <inheritdoc/>
    public TimeSpan DownRemovalMargin => TimeSpan.Zero;

    /// <inheritdoc/>
    public Props DowningActorProps => ActorProps.Of(() => new DowningActor(
        cluster, system.Settings.Setup.Get<HolderSetup>() is { HasValue: true } setup ? setup.Value : null));

    /// <summary>Downs who has been unreachable for long and has no channel.</summary>
    /// <remarks>
    /// A holder that was stopped itself has heard nobody meanwhile: when its own tick comes late, everybody gets the
    /// whole time again.
    /// </remarks>
    private sealed class DowningActor(Akka.Cluster.Cluster cluster, HolderSetup? holder) : UntypedActor, IWithTimers
    {
        private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(0.5);
        private static readonly TimeSpan s_tickMax = TimeSpan.FromSeconds(1.5);
        private static readonly TimeSpan s_unreachableMax = TimeSpan.FromSeconds(60);

        private readonly Dictionary<UniqueAddress, TimeSpan> _since = [];
        private readonly HashSet<UniqueAddress> _noted = [];
        private readonly ITimeProvider _clock = Context.System.Scheduler;
        private TimeSpan _last;

        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart()
        {
            if (holder is null)
            {
                return;
            }

            _last = _clock.MonotonicClock;
            Timers.StartPeriodicTimer(nameof(s_tick), nameof(s_tick), s_tick);
            cluster.Subscribe(
                Self,
                ClusterEvent.InitialStateAsEvents,
                typeof(ClusterEvent.IReachabilityEvent),
                typeof(ClusterEvent.MemberRemoved));
        }

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case string:
                    OnTick(_clock.MonotonicClock);
                    break;
                case ClusterEvent.UnreachableMember unreachable:
                    _since[unreachable.Member.UniqueAddress] = _clock.MonotonicClock;
                    break;
                case ClusterEvent.ReachableMember reachable:
                    _since.Remove(reachable.Member.UniqueAddress);
                    break;
                case ClusterEvent.MemberRemoved removed:
                    _since.Remove(removed.Member.UniqueAddress);
                    _noted.Remove(removed.Member.UniqueAddress);
                    break;
            }
        }

        private void OnTick(TimeSpan now)
        {
            bool wasStopped = now - _last > s_tickMax;
            _last = now;
            foreach (UniqueAddress member in _since.Keys.ToArray())
            {
                if (wasStopped)
                {
                    _since[member] = now;
                }
                else if (holder!.IsHeard(member.Address))
                {
                    if (_noted.Add(member))
                    {
                        holder.Note($"{member.Address.Host}:{member.Address.Port} cannot be reached by all others; "
                            + "it works on.");
                    }
                }
                else if (now - _since[member] > s_unreachableMax)
                {
                    _since.Remove(member);
                    cluster.Down(member.Address);
                }
            }
        }
    }
}
