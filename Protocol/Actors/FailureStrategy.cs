using System.Reflection;
using Akka.Actor;

namespace Distributed.Protocol.Actors;

/// <summary>An actor has failed: which one, and how.</summary>
/// <param name="name">The actor's name, for people.</param>
/// <param name="cause">What it threw.</param>
public sealed class ActorFailedException(string name, Exception cause)
    : Exception($"{name} failed: {cause.Message}", cause)
{
    /// <summary>The actor's name.</summary>
    public string Name { get; } = name;
}

/// <summary>Supervision, the same at every level: a failed actor is stopped and named; nothing is restarted.</summary>
/// <remarks>
/// An actor's state is half a step's: going on with it would be a guess, starting it again would lose what it held. So
/// the failure goes to what started the actors, which ends the process (the run resumes from its checkpoint).
/// Failures that an actor knows what to do about are messages and never get here.
/// </remarks>
/// <param name="onFailure">Told once for each failed actor; any thread.</param>
public sealed class FailureStrategy(Action<ActorFailedException> onFailure)
    : OneForOneStrategy(_ => Directive.Stop)
{
    /// <inheritdoc/>
    protected override void LogFailure(IActorContext context, IActorRef child, Exception cause, Directive directive) =>
        onFailure(Unwrap(cause) is var fault && fault is ActorFailedException inner
            ? inner // An actor that failed because a child of its did.
            : new ActorFailedException(child.Path.Name, fault));

    /// <summary>What a constructor threw comes wrapped, more than once.</summary>
    private static Exception Unwrap(Exception cause) =>
        cause is ActorInitializationException or TypeLoadException or TargetInvocationException
        && cause.InnerException is { } inner
            ? Unwrap(inner)
            : cause;
}

/// <summary>The only top-level actor of a program: starts the others, and passes on who fails.</summary>
/// <param name="onFailure">See <see cref="FailureStrategy"/>.</param>
public sealed class RootActor(Action<ActorFailedException> onFailure) : UntypedActor
{
    /// <summary>Asks for a child; answered with its reference.</summary>
    public sealed record Start(Props Props, string Name);

    /// <inheritdoc/>
    protected override SupervisorStrategy SupervisorStrategy() => new FailureStrategy(onFailure);

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        if (message is Start start)
        {
            Sender.Tell(Context.ActorOf(start.Props, start.Name));
        }
    }
}
