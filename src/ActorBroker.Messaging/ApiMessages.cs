using Akka.Actor;

namespace ActorBroker.Messaging;

/// <summary>Makes an ActorSystem able to send and receive the envelopes.</summary>
public static class ApiMessages
{
    /// <summary>
    /// Once per system, however often it is called, and from any thread. A system that was created with
    /// <see cref="MessagingConfig.Reference"/> needs nothing more. Otherwise the serializer is added to the running system,
    /// which on the official engine must not happen while other threads look up serializers by id: call it before the first
    /// remote message, as broker and client do when they start.
    /// </summary>
    public static void Register(ActorSystem system) => Registration.Id.Apply(system); // Get would not create it

    /// <summary>An extension, because a system creates each exactly once.</summary>
    private sealed class Registration : IExtension
    {
        public static readonly IdProvider Id = new();

        private Registration(ExtendedActorSystem system)
        {
            if (system.Settings.Config.HasPath("akka.actor.serializers.actorbroker-api"))
                return;
            var serializer = new ApiMessageSerializer(system);
            system.Serialization.AddSerializer("actorbroker-api", serializer);
            system.Serialization.AddSerializationMap(typeof(ApiRequest), serializer);
            system.Serialization.AddSerializationMap(typeof(ApiResponse), serializer);
            system.Serialization.AddSerializationMap(typeof(ApiRejected), serializer);
        }

        public sealed class IdProvider : ExtensionIdProvider<Registration>
        {
            public override Registration CreateExtension(ExtendedActorSystem system) => new(system);
        }
    }
}
