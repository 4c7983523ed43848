using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using ActorBroker.Log;
using Akka.Actor;
using Akka.Persistence;

namespace ActorBroker.Journal;

/// <summary>
/// Events as records. An atomic write is one batch, each of its events one record without key:
/// <code>
/// value        the payload as its Akka serializer wrote it
/// header ab.v  version of this layout, one byte: 1
/// header ab.s  serializer id, i32 big endian
/// header ab.m  serializer's manifest, UTF-8
/// header ab.a  event adapter's manifest, UTF-8; left out where empty
/// timestamp    when it was written
/// </code>
/// The event's sequence number is the record's offset + 1.
/// </summary>
internal sealed class EventCodec(ExtendedActorSystem system)
{
    private const byte Version = 1;
    private const string VersionKey = "ab.v";
    private const string SerializerKey = "ab.s";
    private const string ManifestKey = "ab.m";
    private const string AdapterKey = "ab.a";

    private static readonly byte[] VersionBytes = [Version];

    private readonly Akka.Serialization.Serialization _serialization = system.Serialization;

    /// <summary>Fills an empty builder.</summary>
    /// <exception cref="EventRefusedException">An event has no serializer, or its adapter or serializer fails.</exception>
    public void Encode(
        RecordBatchBuilder builder, IImmutableList<IPersistentRepresentation> events,
        Func<IPersistentRepresentation, IPersistentRepresentation> adapt, long nowMs)
    {
        foreach (var e in events)
        {
            if (!TryEncode(builder, Adapt(e, adapt), nowMs))
                throw new EventRefusedException($"The events of one atomic write of [{e.PersistenceId}] do not fit into one batch.");
        }
    }

    /// <exception cref="InvalidDataException">The record is not an event, or a newer release wrote it.</exception>
    public IPersistentRepresentation Decode(in Record record, string persistenceId)
    {
        byte version = 0;
        int? serializerId = null;
        var (manifest, adapterManifest) = ("", "");
        foreach (var header in record.Headers)
        {
            if (Is(header, VersionKey) && header.Value.Length == 1) version = header.Value[0];
            else if (Is(header, SerializerKey) && header.Value.Length == 4) serializerId = BinaryPrimitives.ReadInt32BigEndian(header.Value);
            else if (Is(header, ManifestKey)) manifest = Encoding.UTF8.GetString(header.Value);
            else if (Is(header, AdapterKey)) adapterManifest = Encoding.UTF8.GetString(header.Value);
        }

        if (version != Version)
            throw new InvalidDataException(version == 0
                ? $"The record at offset {record.Offset} of [{persistenceId}] is not an event."
                : $"The event at offset {record.Offset} of [{persistenceId}] has version {version}; this release knows version {Version}: a newer release wrote it.");
        if (serializerId is not { } id)
            throw new InvalidDataException($"The event at offset {record.Offset} of [{persistenceId}] does not name its serializer.");
        var payload = _serialization.Deserialize(record.Value.ToArray(), id, manifest);
        return new Persistent(payload, record.Offset.Value + 1, persistenceId, adapterManifest, timestamp: record.Timestamp);
    }

    private static IPersistentRepresentation Adapt(IPersistentRepresentation e, Func<IPersistentRepresentation, IPersistentRepresentation> adapt)
    {
        try
        {
            return adapt(e);
        }
        catch (Exception cause)
        {
            throw new EventRefusedException($"An event adapter for [{e.PersistenceId}] failed: {cause.Message}", cause);
        }
    }

    private bool TryEncode(RecordBatchBuilder builder, IPersistentRepresentation e, long nowMs)
    {
        var serializerId = new byte[4];
        byte[] value;
        string manifest;
        try
        {
            var serializer = _serialization.FindSerializerFor(e.Payload);
            BinaryPrimitives.WriteInt32BigEndian(serializerId, serializer.Identifier);
            manifest = Akka.Serialization.Serialization.ManifestFor(serializer, e.Payload);
            value = serializer.ToBinary(e.Payload);
        }
        catch (Exception cause)
        {
            throw new EventRefusedException($"[{e.Payload?.GetType()}] of [{e.PersistenceId}] can't be serialized: {cause.Message}", cause);
        }

        Span<RecordHeader> headers =
        [
            new(VersionKey, VersionBytes), new(SerializerKey, serializerId), new(ManifestKey, Encoding.UTF8.GetBytes(manifest)), default,
        ];
        if (e.Manifest.Length == 0) headers = headers[..3];
        else headers[3] = new RecordHeader(AdapterKey, Encoding.UTF8.GetBytes(e.Manifest));
        return builder.TryAppend(nowMs, key: null, value, headers);
    }

    private static bool Is(in RecordHeaderView header, string key) =>
        header.HasValue && header.Key.Length == key.Length && Ascii.Equals(header.Key, key);
}
