using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Groups;

/// <summary>
/// The records of <c>__consumer_offsets</c>, byte for byte Kafka's; a null value is a tombstone:
/// <code>
/// key    0, 1  offset  int16 version, group, topic, int32 partition
/// key    2     group   int16 version, group
/// value  offset: int16 version (3; 1 where the commit set its own expiry), int64 offset, int32 leader epoch (3),
///        metadata, int64 commit time, int64 expiry (1)
/// value  group: int16 version (3), protocol type, int32 generation, protocol?, leader?, int64 time of the state,
///        array of members: id, instance id?, client id, client host, int32 rebalance timeout, int32 session timeout,
///        subscription, assignment
/// </code>
/// Reads all versions that Kafka 4 reads (0 to 4; 4 is flexible). Texts are int16 length and UTF-8, bytes int32 length.
/// Keys of other kinds belong to Kafka's newer groups and are passed over. Decoding a log repeats few texts many times, so
/// one codec keeps those it has seen. One thread at a time.
/// </summary>
internal sealed class GroupRecordCodec
{
    private const short OffsetKey = 1;
    private const short GroupKey = 2;
    private const short WithExpiry = 1;
    private const short Current = 3;
    private const short Flexible = 4;
    private const string Field = "__consumer_offsets record";

    private readonly TextCache _texts = new();
    private byte[] _key = new byte[256];
    private byte[] _value = new byte[256];

    /// <summary>Key and value (null for a tombstone), valid until the next call.</summary>
    public (ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte>? Value) Encode(GroupEvent change)
    {
        var measure = ProtocolWriter.Measure();
        WriteKey(ref measure, change);
        var key = Room(ref _key, measure.Length);
        var writer = new ProtocolWriter(key.Span);
        WriteKey(ref writer, change);
        if (change is OffsetForgotten or GroupForgotten) return (key, null);
        measure = ProtocolWriter.Measure();
        WriteValue(ref measure, change);
        var value = Room(ref _value, measure.Length);
        writer = new ProtocolWriter(value.Span);
        WriteValue(ref writer, change);
        return (key, value);
    }

    /// <summary>Null for a record of another kind.</summary>
    /// <exception cref="ProtocolException">The bytes are no such record.</exception>
    public GroupEvent? Decode(in Record record)
    {
        var key = new TextReader(record.Key, _texts);
        var kind = key.Int16();
        if (kind is not (0 or OffsetKey or GroupKey)) return null;
        var group = key.Text();
        if (kind == GroupKey) return record.HasValue ? new GroupStored(group, ReadGroup(record.Value.ToArray())) : new GroupForgotten(group);
        var partition = new TopicPartition(key.Text(), key.Int32());
        return record.HasValue ? new OffsetCommitted(group, partition, ReadOffset(record.Value)) : new OffsetForgotten(group, partition);
    }

    private CommittedOffset ReadOffset(ReadOnlySpan<byte> value)
    {
        var reader = new TextReader(value, _texts);
        var version = reader.Int16();
        if (version == Flexible) return ReadFlexibleOffset(value.ToArray());
        CheckVersion(version);
        var offset = new Offset(reader.Int64());
        var epoch = version == Current ? new LeaderEpoch(reader.Int32()) : LeaderEpoch.None;
        var metadata = reader.Text();
        var commitMs = reader.Int64();
        return new CommittedOffset(offset, epoch, metadata, commitMs, version == WithExpiry ? reader.Int64() : -1);
    }

    private static CommittedOffset ReadFlexibleOffset(byte[] value)
    {
        var reader = new ProtocolReader(value);
        reader.ReadInt16(Field);
        var offset = new Offset(reader.ReadInt64(Field));
        var epoch = new LeaderEpoch(reader.ReadInt32(Field));
        var metadata = reader.ReadString(flexible: true, Field);
        var read = new CommittedOffset(offset, epoch, metadata, reader.ReadInt64(Field));
        reader.SkipTaggedFields(Field);
        return read;
    }

    private static GroupMetadata ReadGroup(byte[] value)
    {
        var reader = new ProtocolReader(value);
        var version = reader.ReadInt16(Field);
        var flexible = version == Flexible;
        if (!flexible) CheckVersion(version);
        var type = reader.ReadString(flexible, Field);
        var generation = reader.ReadInt32(Field);
        var protocol = reader.ReadNullableString(flexible, nullable: true, Field);
        var leader = reader.ReadNullableString(flexible, nullable: true, Field);
        var since = version >= 2 ? reader.ReadInt64(Field) : -1;
        var count = reader.ReadArrayLength(flexible, nullable: false, minElementSize: 14, elementCost: 128, Field);
        var members = ImmutableArray.CreateBuilder<StoredMember>(count);
        for (var i = 0; i < count; i++) members.Add(ReadMember(ref reader, version, flexible));
        if (flexible) reader.SkipTaggedFields(Field);
        return new GroupMetadata(type, generation, protocol, leader, since, members.MoveToImmutable());
    }

    private static StoredMember ReadMember(ref ProtocolReader reader, short version, bool flexible)
    {
        var id = reader.ReadString(flexible, Field);
        var instanceId = version >= 3 ? reader.ReadNullableString(flexible, nullable: true, Field) : null;
        var clientId = reader.ReadString(flexible, Field);
        var clientHost = reader.ReadString(flexible, Field);
        int? rebalance = version >= 1 ? reader.ReadInt32(Field) : null;
        var session = reader.ReadInt32(Field);
        var subscription = reader.ReadBytes(flexible, Field);
        var assignment = reader.ReadBytes(flexible, Field);
        if (flexible) reader.SkipTaggedFields(Field);
        return new StoredMember(id, instanceId, clientId, clientHost, rebalance ?? session, session, subscription, assignment);
    }

    private static void WriteKey(ref ProtocolWriter writer, GroupEvent change)
    {
        var partition = change switch
        {
            OffsetCommitted committed => committed.Partition,
            OffsetForgotten forgotten => forgotten.Partition,
            _ => default,
        };
        writer.WriteInt16(partition.Topic is null ? GroupKey : OffsetKey);
        writer.WriteString(change.Group, flexible: false, Field);
        if (partition.Topic is null) return;
        writer.WriteString(partition.Topic, flexible: false, Field);
        writer.WriteInt32(partition.Partition);
    }

    private static void WriteValue(ref ProtocolWriter writer, GroupEvent change)
    {
        if (change is OffsetCommitted committed) WriteOffset(ref writer, committed.Offset);
        else WriteGroup(ref writer, ((GroupStored)change).Metadata);
    }

    /// <summary>Version 3 has no expiry, version 1 no leader epoch; a commit that names its retention is of a client without epochs.</summary>
    private static void WriteOffset(ref ProtocolWriter writer, CommittedOffset offset)
    {
        var expires = offset.ExpireTimeMs >= 0;
        writer.WriteInt16(expires ? WithExpiry : Current);
        writer.WriteInt64(offset.Offset.Value);
        if (!expires) writer.WriteInt32(offset.LeaderEpoch.Value);
        writer.WriteString(offset.Metadata, flexible: false, Field);
        writer.WriteInt64(offset.CommitTimeMs);
        if (expires) writer.WriteInt64(offset.ExpireTimeMs);
    }

    private static void WriteGroup(ref ProtocolWriter writer, GroupMetadata group)
    {
        writer.WriteInt16(Current);
        writer.WriteString(group.ProtocolType, flexible: false, Field);
        writer.WriteInt32(group.Generation);
        writer.WriteNullableString(group.Protocol, flexible: false, nullable: true, Field, Current);
        writer.WriteNullableString(group.Leader, flexible: false, nullable: true, Field, Current);
        writer.WriteInt64(group.StateTimeMs);
        writer.WriteArrayLength(group.Members.Length, flexible: false);
        foreach (var member in group.Members)
        {
            writer.WriteString(member.Id, flexible: false, Field);
            writer.WriteNullableString(member.InstanceId, flexible: false, nullable: true, Field, Current);
            writer.WriteString(member.ClientId, flexible: false, Field);
            writer.WriteString(member.ClientHost, flexible: false, Field);
            writer.WriteInt32(member.RebalanceTimeoutMs);
            writer.WriteInt32(member.SessionTimeoutMs);
            writer.WriteBytes(member.Subscription, flexible: false);
            writer.WriteBytes(member.Assignment, flexible: false);
        }
    }

    private static void CheckVersion(short version)
    {
        if (version is < 0 or > Current) throw new ProtocolException(ProtocolFault.Malformed, $"{Field}: unknown version {version}");
    }

    private static Memory<byte> Room(ref byte[] buffer, int size)
    {
        if (buffer.Length < size) buffer = new byte[Math.Max(size, buffer.Length * 2)];
        return buffer.AsMemory(0, size);
    }
}
