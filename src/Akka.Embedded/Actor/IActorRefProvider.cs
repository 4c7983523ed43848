using Akka.Actor.Internal;

namespace Akka.Actor;

/// <summary>
/// Makes and finds references. The local one knows this system only; the remote one wraps it and adds addresses.
/// </summary>
public interface IActorRefProvider
{
    /// <summary>Parent of /user and /system.</summary>
    IInternalActorRef RootGuardian { get; }

    LocalActorRef Guardian { get; }
    LocalActorRef SystemGuardian { get; }
    IActorRef DeadLetters { get; }

    /// <summary>Swallows everything.</summary>
    IActorRef IgnoreRef { get; }

    ActorPath RootPath { get; }
    Settings Settings { get; }

    /// <summary>Completes once the root guardian has stopped.</summary>
    Task TerminationTask { get; }

    IInternalActorRef TempContainer { get; }
    Deployer Deployer { get; }

    /// <summary>The address that other nodes use; the local one without remoting.</summary>
    Address DefaultAddress { get; }

    Akka.Serialization.Information SerializationInformation { get; }

    /// <summary>Called once, by the system under construction; starts the guardians.</summary>
    void Init(ActorSystemImpl system);

    IInternalActorRef ActorOf(ActorSystemImpl system, Props props, IInternalActorRef supervisor, ActorPath path, bool systemService, Deploy? deploy,
        bool lookupDeploy, bool async);

    /// <summary>A reference for that path whether or not an actor lives there; messages to an empty place become dead letters.</summary>
    IActorRef ResolveActorRef(string path);

    IActorRef ResolveActorRef(ActorPath actorPath);
    IActorRef RootGuardianAt(Address address);

    /// <summary>A fresh path below /temp.</summary>
    ActorPath TempPath();

    void RegisterTempActor(IInternalActorRef actorRef, ActorPath path);
    void UnregisterTempActor(ActorPath path);
    FutureActorRef<T> CreateFutureRef<T>(TaskCompletionSource<T> tcs);

    /// <summary>The address by which the given one can reach this node; null when it can't.</summary>
    Address? GetExternalAddressFor(Address address);
}
