using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Serialization;

namespace Akka.Persistence
{
    /// <summary>Under which id, and with which plugins, an actor persists.</summary>
    public interface IPersistentIdentity
    {
        string PersistenceId { get; }
        string? JournalPluginId { get; }
        string? SnapshotPluginId { get; }
    }

    public interface IPersistenceRecovery
    {
        Recovery Recovery { get; }
    }

    /// <summary>One element of a <see cref="WriteMessages"/>: something to store, or something that only keeps its place among what is stored.</summary>
    public interface IPersistentEnvelope
    {
        object Payload { get; }
        IActorRef Sender { get; }
        int Size { get; }
    }

    /// <summary>An event with what the journal knows about it. Immutable: the With and Update members return copies.</summary>
    public interface IPersistentRepresentation : IMessage
    {
        object Payload { get; }
        string Manifest { get; }
        string PersistenceId { get; }
        long SequenceNr { get; }
        long Timestamp { get; }
        string WriterGuid { get; }
        bool IsDeleted { get; }
        IActorRef Sender { get; }
        IPersistentRepresentation WithTimestamp(long timestamp);
        IPersistentRepresentation WithPayload(object payload);
        IPersistentRepresentation WithManifest(string manifest);

        /// <summary>Keeps payload and manifest; the timestamp of the copy is 0.</summary>
        IPersistentRepresentation Update(long sequenceNr, string persistenceId, bool isDeleted, IActorRef? sender, string writerGuid);
    }

    public interface ISnapshotter
    {
        string SnapshotterId { get; }
        long SnapshotSequenceNr { get; }
        void LoadSnapshot(string persistenceId, SnapshotSelectionCriteria criteria, long toSequenceNr);
        void SaveSnapshot(object snapshot);
        void DeleteSnapshot(long sequenceNr);
        void DeleteSnapshots(SnapshotSelectionCriteria criteria);
    }

    public interface IJournalPlugin
    {
        string JournalPath { get; }
        Config DefaultConfig { get; }
    }

    public interface IPersistenceMessage : INoSerializationVerificationNeeded;

    public interface IJournalMessage : IPersistenceMessage;

    public interface IJournalRequest : IJournalMessage;

    public interface IJournalResponse : IJournalMessage;

    public interface ISnapshotMessage : IPersistenceMessage;

    public interface ISnapshotRequest : ISnapshotMessage;

    public interface ISnapshotResponse : ISnapshotMessage;
}

namespace Akka.Persistence.Serialization
{
    /// <summary>Marks what the persistence layer stores or sends itself.</summary>
    public interface IMessage;
}
