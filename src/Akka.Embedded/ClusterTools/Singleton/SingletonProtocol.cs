using Akka.Actor;
using Akka.Event;
using Akka.Serialization;

namespace Akka.Cluster.Tools.Singleton
{
    public enum ClusterSingletonState
    {
        Start = 0,
        Oldest = 2,
        Younger = 3,
        BecomingOldest = 4,
        WasOldest = 5,
        HandingOver = 6,
        Stopping = 8,
        End = 9,
    }

    /// <summary>Marks what the managers of one singleton send each other.</summary>
    public interface IClusterSingletonMessage;

    internal enum HandOver
    {
        /// <summary>From the next to the one before: stop yours.</summary>
        ToMe,

        /// <summary>It is stopping.</summary>
        InProgress,

        /// <summary>It has stopped.</summary>
        Done,

        /// <summary>From the one before to the next: ask me.</summary>
        TakeOverFromMe,
    }

    internal sealed record HandOverMessage(HandOver Kind) : IClusterSingletonMessage, IDeadLetterSuppression
    {
        public static HandOverMessage Of(HandOver kind) => All[(int)kind];

        private static readonly HandOverMessage[] All = [.. Enum.GetValues<HandOver>().Select(static k => new HandOverMessage(k))];
    }
}

namespace Akka.Cluster.Tools.Singleton.Serialization
{
    /// <summary>The four messages of a hand-over: a manifest each, and no body.</summary>
    public class ClusterSingletonMessageSerializer : SerializerWithStringManifest
    {
        private static readonly string[] Manifests = ["A", "B", "C", "D"];

        public ClusterSingletonMessageSerializer(ExtendedActorSystem system) : base(system) { }

        public override int Identifier => 14;

        public override string Manifest(object o) => o is HandOverMessage message
            ? Manifests[(int)message.Kind]
            : throw new ArgumentException($"This serializer does not take {o.GetType()}.", nameof(o));

        public override byte[] ToBinary(object obj) => [];

        public override object FromBinary(byte[] bytes, string manifest) => Array.IndexOf(Manifests, manifest) is >= 0 and var kind
            ? HandOverMessage.Of((HandOver)kind)
            : throw new ArgumentException($"Unknown manifest '{manifest}'.", nameof(manifest));
    }
}
