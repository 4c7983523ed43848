using System.Text.Json.Serialization;
using ActorBroker.Log;

namespace ActorBroker.Forming;

/// <summary>What nodes that look for their cluster tell each other, and what the node hears of it.</summary>
internal static class FormationProtocol
{
    /// <summary>Crosses nodes; <see cref="FormationSerializer"/> knows every one of them.</summary>
    public interface IFormationMessage;

    /// <summary>How a node stands at the moment of sending.</summary>
    /// <param name="ClusterId">Of its data folder; null while that belongs to no cluster.</param>
    /// <param name="Formation">Which run of the Akka cluster it is a member of: made by the node that formed it, passed on to all who join. Null: it is in none.</param>
    /// <param name="Strength">Voters among the members it knows.</param>
    public sealed record Standing(int Node, string? ClusterId, Guid? Formation, int Strength);

    /// <summary>Are you in a cluster? Answer: <see cref="HailAnswer"/>.</summary>
    /// <param name="Contact">Comes back in the answer: the asker's number for whom it asked.</param>
    /// <param name="Round">Grows with every round of the asker.</param>
    /// <param name="AsksGrant">May I form the cluster?</param>
    public sealed record Hail(Standing From, int Contact, long Round, bool AsksGrant) : IFormationMessage;

    public sealed record HailAnswer(Standing From, int Contact, long Round, bool Granted) : IFormationMessage;

    /// <summary>From the node: its data folder belongs to that cluster now.</summary>
    public sealed record Accepted(ClusterId ClusterId);

    /// <summary>From the node: whether it hears from the controller. At first that is not said.</summary>
    public sealed record Led(bool IsLed);

    /// <summary>To the node: it is a member now, and up.</summary>
    public sealed class Joined
    {
        public static Joined Instance { get; } = new();
    }

    /// <summary>To the node: it can't be part of the cluster that it found.</summary>
    public sealed record Refused(string Reason);
}

[JsonSerializable(typeof(FormationProtocol.Hail))]
[JsonSerializable(typeof(FormationProtocol.HailAnswer))]
internal sealed partial class FormationJson : JsonSerializerContext;
