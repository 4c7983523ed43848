using Akka.Actor;

namespace ActorBroker.Messaging;

/// <summary>Makes an ActorSystem able to send and receive the envelopes.</summary>
public static class ApiMessages
{
    /// <summary>
    /// Once per system, however often it is called, and from any thread. A system that was created with
    /// <see cref="MessagingConfig.Reference"/> needs nothing more. Otherwise the serializer comes with the configuration that
    /// is added here, not into the running Serialization: an Akka extension that adds its own later (Akka.Persistence does)
    /// makes a system build all its serializers anew from configuration.
    /// </summary>
    public static void Register(ActorSystem system) => Registration.Id.Apply(system); // Get would not create it

    /// <summary>An extension, because a system creates each exactly once.</summary>
    private sealed class Registration : IExtension
    {
        public static readonly IdProvider Id = new();

        private Registration(ExtendedActorSystem system)
        {
            if (!system.Settings.Config.HasPath("akka.actor.serializers.actorbroker-api"))
                system.Settings.InjectTopLevelFallback(MessagingConfig.Reference);
        }

        public sealed class IdProvider : ExtensionIdProvider<Registration>
        {
            public override Registration CreateExtension(ExtendedActorSystem system) => new(system);
        }
    }
}
