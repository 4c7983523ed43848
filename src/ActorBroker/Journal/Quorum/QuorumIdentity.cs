using System.Collections.Immutable;
using ActorBroker.Log;
using Akka.Actor;

namespace ActorBroker.Journal.Quorum;

/// <summary>What this node knows of its quorum before it has asked anybody.</summary>
/// <param name="Self">This node and its disk; it need not be a voter.</param>
/// <param name="InitialVoters">
/// Who forms the quorum when nobody has anything stored: all of them must be there for that. From then on the log says who
/// counts, and these are only asked for it. Empty on a node that joins a quorum of others: it never forms one. Were all of
/// these removed and their disks wiped, they would form a second one: the list must follow the voters.
/// </param>
internal sealed record QuorumIdentity(Member Self, ImmutableArray<BrokerId> InitialVoters)
{
    /// <summary>Where the system of a node is; null while that is not known. Asked whenever something is sent, from any thread.</summary>
    public Func<BrokerId, Address?> AddressOf { get; init; } = static _ => null;

    /// <summary>Systems that may know who votes: contact points, members of the Akka cluster. Asked by each bid, from any thread.</summary>
    public Func<ImmutableArray<Address>> Contacts { get; init; } = static () => [];

    public static QuorumIdentity Alone { get; } = OfOne(new Member(new BrokerId(0), new DirectoryId(new Guid(1, 0, 0, new byte[8]))));

    public static QuorumIdentity OfOne(Member self) => new(self, [self.Broker]);
}
