using System.Text.Json.Serialization;
using Akka.Actor;

namespace ActorBroker.Downing;

/// <summary>What members tell each other about one that died, and what the rest of the node hears.</summary>
internal static class DowningProtocol
{
    /// <summary>From member to member: I found that incarnation of a node dead. <see cref="DowningSerializer"/> carries it.</summary>
    /// <param name="Witness">The incarnation of the sender.</param>
    public sealed record FoundDead(NodeIncarnation Witness, NodeIncarnation Dead);

    /// <summary>On the event stream of this node: that node is gone, by evidence found here, or because the cluster gave it up.</summary>
    public sealed record FailureEvidence(Address Node, string Evidence);
}

[JsonSerializable(typeof(DowningProtocol.FoundDead))]
internal sealed partial class DowningJson : JsonSerializerContext;
