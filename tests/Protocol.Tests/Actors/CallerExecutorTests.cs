using Akka.Actor;
using Akka.TestKit.Xunit2;
using Distributed.Protocol.Actors;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Tests.Actors;

public sealed class CallerExecutorTests : TestKit
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public CallerExecutorTests()
        : base(ActorSystems.Settings())
    {
    }

    [Fact]
    public void LentThread_TellsAnActor_WhichHasRunThereWhenTheCallReturns()
    {
        int thread = OnLentThread(() =>
        {
            IActorRef actor = Start(message => TestActor.Tell(Environment.CurrentManagedThreadId));
            actor.Tell("run", ActorRefs.NoSender);
            return Environment.CurrentManagedThreadId;
        });
        Assert.Equal(thread, ExpectMsg<int>(s_patience));
    }

    [Fact]
    public void OtherThreads_TellActors_WhichAllRunOnOneThread()
    {
        IActorRef first = Start(message => TestActor.Tell(Environment.CurrentManagedThreadId));
        IActorRef second = Start(message => TestActor.Tell(Environment.CurrentManagedThreadId));
        first.Tell("run");
        second.Tell("run");
        int thread = ExpectMsg<int>(s_patience);
        Assert.Equal(thread, ExpectMsg<int>(s_patience));
        Assert.NotEqual(Environment.CurrentManagedThreadId, thread);
    }

    [Fact]
    public void Actor_TellsAnother_WhichRunsAfterIt_OnTheSameThread()
    {
        List<string> order = [];
        int thread = OnLentThread(() =>
        {
            IActorRef second = Start(message => order.Add($"second on {Environment.CurrentManagedThreadId}"));
            IActorRef first = Start(message =>
            {
                second.Tell("run");
                order.Add($"first on {Environment.CurrentManagedThreadId}");
            });
            first.Tell("run", ActorRefs.NoSender);
            return Environment.CurrentManagedThreadId;
        });
        Assert.Equal([$"first on {thread}", $"second on {thread}"], order);
    }

    [Fact]
    public void ManyThreadsTellOneActor_ItRunsOnOneAtATime_AndMissesNothing()
    {
        const int Threads = 4;
        const int Messages = 5000;
        int inside = 0;
        int most = 0;
        int count = 0;
        IActorRef actor = Start(message =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            if (++count == Threads * Messages)
            {
                TestActor.Tell("all");
            }

            Interlocked.Decrement(ref inside);
        });
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            if (number > 0)
            {
                CallerExecutor.LendThread();
            }

            for (int i = 0; i < Messages; i++)
            {
                actor.Tell("run", ActorRefs.NoSender);
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        ExpectMsg("all", s_patience);
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(1, most);
    }

    private static T OnLentThread<T>(Func<T> call)
    {
        T result = default!;
        Thread thread = new(() =>
        {
            CallerExecutor.LendThread();
            result = call();
        });
        thread.Start();
        thread.Join();
        return result;
    }

    private IActorRef Start(Action<object> receive)
    {
        IActorRef actor = Sys.ActorOf(
            ActorProps.Of(() => new Receiver(receive)).WithDispatcher(ActorSystems.TrainingDispatcher));
        actor.Ask<ActorIdentity>(new Identify(null), s_patience).GetAwaiter().GetResult();
        return actor;
    }

    private sealed class Receiver(Action<object> receive) : UntypedActor
    {
        protected override void OnReceive(object message) => receive(message);
    }
}
