using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using Akka.Actor;

namespace ActorBroker.Control;

/// <summary>
/// Answers that wait until the brokers concerned serve a version of the metadata, so that who made a partition may use it at
/// once. Brokers that are fenced meanwhile are not waited for, and nobody is for longer than <see cref="Patience"/>.
/// </summary>
internal sealed class ServedReplies
{
    /// <summary>Opening replicas takes milliseconds; a broker that needs longer has trouble with its disk, and its clients retry.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly List<Waiting> _waiting = [];

    public void Add(long version, ImmutableHashSet<BrokerId> brokers, IActorRef to, object reply, TimeSpan now) =>
        _waiting.Add(new Waiting(version, brokers, to, reply, now + Patience));

    /// <summary>Takes out what is due.</summary>
    public List<(IActorRef To, object Reply)> Take(MetadataImage image, SessionTable sessions, TimeSpan now)
    {
        var due = new List<(IActorRef, object)>();
        _waiting.RemoveAll(waiting =>
        {
            if (now < waiting.Until && waiting.Brokers.Any(id => image.Brokers.TryGetValue(id, out var broker) && broker.IsActive && sessions.Reconciled(broker) < waiting.Version))
                return false;
            due.Add((waiting.To, waiting.Reply));
            return true;
        });
        return due;
    }

    /// <summary>Takes out all: they are decided, and nobody will be left to wait for.</summary>
    public List<(IActorRef To, object Reply)> TakeAll()
    {
        var all = _waiting.ConvertAll(waiting => (waiting.To, waiting.Reply));
        _waiting.Clear();
        return all;
    }

    private sealed record Waiting(long Version, ImmutableHashSet<BrokerId> Brokers, IActorRef To, object Reply, TimeSpan Until);
}
