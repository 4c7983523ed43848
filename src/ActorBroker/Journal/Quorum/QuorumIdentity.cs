using System.Collections.Immutable;
using ActorBroker.Log;
using Akka.Actor;

namespace ActorBroker.Journal.Quorum;

/// <summary>Which voter this node is, and which there are: an odd number of configured broker ids.</summary>
/// <param name="Addresses">Of the systems of the other voters.</param>
internal sealed record QuorumIdentity(Member Self, ImmutableArray<BrokerId> Voters, ImmutableDictionary<BrokerId, Address> Addresses)
{
    public static QuorumIdentity Alone { get; } = OfOne(new Member(new BrokerId(0), default));

    public bool IsAlone => Voters.Length == 1;

    public static QuorumIdentity OfOne(Member self) => new(self, [self.Broker], ImmutableDictionary<BrokerId, Address>.Empty);
}

/// <summary>
/// Carries requests to other voters and their replies back. May lose, repeat and reorder them. With one voter there is
/// nobody to carry anything to.
/// </summary>
internal interface IVoterTransport
{
    void Send(BrokerId to, VoterRequest request);

    /// <summary>For this epoch. Answered by a call of <see cref="QuorumWriterCore.OnRead"/>, or of <see cref="QuorumWriterCore.OnAdopted"/> where it is for nobody.</summary>
    void Read(LeaderEpoch epoch, WriterEffect read);
}

/// <summary>A quorum whose only voter is this node.</summary>
internal sealed class NoOtherVoters : IVoterTransport
{
    public void Send(BrokerId to, VoterRequest request) => throw new InvariantException($"voter {to} is not this node, and there is no other");

    public void Read(LeaderEpoch epoch, WriterEffect read) => throw new InvariantException($"voter {read.Source} is not this node, and there is no other");
}
