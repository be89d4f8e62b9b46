using Akka.Actor;
using Distributed.Protocol.Cluster;

namespace Distributed.Protocol.Actors;

/// <summary>Props that call a constructor, rather than look for one by its arguments.</summary>
public static class ActorProps
{
    /// <summary>Describes an actor.</summary>
    /// <param name="create">Called once, when the actor is started.</param>
    public static Props Of<T>(Func<T> create)
        where T : ActorBase => Props.CreateBy(new Producer<T>(create));

    /// <summary>As <see cref="Of"/>, for an actor that blocks: it gets a thread of its own.</summary>
    public static Props Blocking<T>(Func<T> create)
        where T : ActorBase => Of(create).WithDispatcher(ActorSystems.BlockingDispatcher);

    private sealed class Producer<T>(Func<T> create) : IIndirectActorProducer
        where T : ActorBase
    {
        public Type ActorType => typeof(T);

        public ActorBase Produce() => create();

        public void Release(ActorBase actor)
        {
        }
    }
}
