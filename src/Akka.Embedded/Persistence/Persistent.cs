using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence.Serialization;

namespace Akka.Persistence;

/// <summary>Takes a place in the order of events without being stored (DeferAsync).</summary>
internal sealed class NonPersistentMessage(object payload, IActorRef sender) : IPersistentEnvelope
{
    public object Payload { get; } = payload;
    public IActorRef Sender { get; } = sender;
    public int Size => 1;
}

/// <summary>Events of one persistence id that are stored all or not at all.</summary>
public sealed class AtomicWrite : IPersistentEnvelope, IMessage, IEquatable<AtomicWrite>
{
    private readonly IImmutableList<IPersistentRepresentation> _events;

    public AtomicWrite(IPersistentRepresentation @event)
        : this(ImmutableArray.Create(@event))
    {
    }

    /// <exception cref="ArgumentException">No event, or events of several persistence ids.</exception>
    public AtomicWrite(IImmutableList<IPersistentRepresentation> payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        if (payload.Count == 0)
            throw new ArgumentException("An AtomicWrite holds at least one event.", nameof(payload));
        var id = payload[0].PersistenceId;
        for (var i = 1; i < payload.Count; i++)
        {
            if (!string.Equals(payload[i].PersistenceId, id, StringComparison.Ordinal))
                throw new ArgumentException($"An AtomicWrite is of one persistence id, found [{id}] and [{payload[i].PersistenceId}].", nameof(payload));
        }

        _events = payload;
        PersistenceId = id;
        LowestSequenceNr = payload[0].SequenceNr;
        HighestSequenceNr = payload[^1].SequenceNr;
    }

    /// <summary>Always an <see cref="IImmutableList{T}"/> of <see cref="IPersistentRepresentation"/>.</summary>
    public object Payload => _events;

    public IActorRef Sender => ActorRefs.NoSender!;
    public int Size => _events.Count;
    public string PersistenceId { get; }
    public long LowestSequenceNr { get; }
    public long HighestSequenceNr { get; }

    public bool Equals(AtomicWrite? other) =>
        other is not null && Equals(_events, other._events) && PersistenceId == other.PersistenceId
        && LowestSequenceNr == other.LowestSequenceNr && HighestSequenceNr == other.HighestSequenceNr;

    public override bool Equals(object? obj) => Equals(obj as AtomicWrite);

    public override int GetHashCode() => HashCode.Combine(PersistenceId, LowestSequenceNr, HighestSequenceNr);

    public override string ToString() =>
        $"AtomicWrite<pid: {PersistenceId}, lowSeqNr: {LowestSequenceNr}, highSeqNr: {HighestSequenceNr}, size: {Size}>";
}

/// <summary>The representation that persistent actors create. Equality leaves the timestamp out.</summary>
public class Persistent : IPersistentRepresentation, IEquatable<IPersistentRepresentation>
{
    public Persistent(object payload, long sequenceNr = 0, string? persistenceId = null, string? manifest = null,
        bool isDeleted = false, IActorRef? sender = null, string? writerGuid = null, long timestamp = 0)
    {
        Payload = payload;
        SequenceNr = sequenceNr;
        PersistenceId = persistenceId ?? Undefined;
        Manifest = manifest ?? Undefined;
        IsDeleted = isDeleted;
        Sender = sender!;
        WriterGuid = writerGuid ?? Undefined;
        Timestamp = timestamp;
    }

    public static string Undefined { get; } = string.Empty;

    public object Payload { get; }
    public string Manifest { get; }
    public string PersistenceId { get; }
    public long SequenceNr { get; }
    public long Timestamp { get; }
    public bool IsDeleted { get; }
    public IActorRef Sender { get; }
    public string WriterGuid { get; }

    public IPersistentRepresentation WithTimestamp(long newTimestamp) =>
        newTimestamp == Timestamp
            ? this
            : new Persistent(Payload, SequenceNr, PersistenceId, Manifest, IsDeleted, Sender, WriterGuid, newTimestamp);

    public IPersistentRepresentation WithPayload(object payload) =>
        new Persistent(payload, SequenceNr, PersistenceId, Manifest, IsDeleted, Sender, WriterGuid, Timestamp);

    public IPersistentRepresentation WithManifest(string manifest) =>
        manifest == Manifest
            ? this
            : new Persistent(Payload, SequenceNr, PersistenceId, manifest, IsDeleted, Sender, WriterGuid, Timestamp);

    public IPersistentRepresentation Update(long sequenceNr, string persistenceId, bool isDeleted, IActorRef? sender, string writerGuid) =>
        new Persistent(Payload, sequenceNr, persistenceId, Manifest, isDeleted, sender, writerGuid);

    public bool Equals(IPersistentRepresentation? other) =>
        other is not null && (ReferenceEquals(this, other)
            || (Equals(Payload, other.Payload) && Manifest == other.Manifest && PersistenceId == other.PersistenceId
                && SequenceNr == other.SequenceNr && IsDeleted == other.IsDeleted && Equals(Sender, other.Sender)
                && WriterGuid == other.WriterGuid));

    public override bool Equals(object? obj) => Equals(obj as IPersistentRepresentation);

    public override int GetHashCode() => HashCode.Combine(Payload, Manifest, PersistenceId, SequenceNr, IsDeleted, WriterGuid);

    public override string ToString() =>
        $"Persistent<pid: {PersistenceId}, seqNr: {SequenceNr}, deleted: {IsDeleted}, manifest: {Manifest}, sender: {Sender}, payload: {Payload}, writerGuid: {WriterGuid}>";
}
