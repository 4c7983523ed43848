using System.Collections.Immutable;
using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Tests.Groups;

/// <summary>The records of __consumer_offsets against those of Kafka's own classes (KafkaGroupRecords.java), and through whole batches.</summary>
public class GroupRecordTests
{
    private const long CommitMs = 1767225600000;

    private static readonly Dictionary<(string Kind, int Version), (byte[] Key, byte[] Value)> Kafka = Read();

    private static readonly TopicPartition Partition = new("flights", 42);

    private static readonly GroupMetadata Empty = new("consumer", 6, null, null, CommitMs, []);

    [Fact]
    public void What_we_write_is_what_Kafka_writes()
    {
        AssertWrites("offset", 3, new OffsetCommitted("delays", Partition, Offset(new LeaderEpoch(7), -1)));
        AssertWrites("offset", 1, new OffsetCommitted("delays", Partition, Offset(LeaderEpoch.None, CommitMs + 60_000)));
        AssertWrites("group", 3, new GroupStored("delays", Members(3)));
        AssertWrites("empty", 3, new GroupStored("delays", Empty));
    }

    [Fact]
    public void What_Kafka_wrote_in_any_version_is_read()
    {
        for (var version = 0; version <= 4; version++)
        {
            var expected = Offset(version >= 3 ? new LeaderEpoch(7) : LeaderEpoch.None, version == 1 ? CommitMs + 60_000 : -1);
            Assert.Equal(new OffsetCommitted("delays", Partition, expected), Decode(Kafka[("offset", version)]));
            var group = Assert.IsType<GroupStored>(Decode(Kafka[("group", version)]));
            AssertSame(Members(version), group.Metadata);
        }

        AssertSame(Empty, Assert.IsType<GroupStored>(Decode(Kafka[("empty", 3)])).Metadata);
    }

    [Fact]
    public void A_null_value_is_a_tombstone()
    {
        Assert.Equal(new OffsetForgotten("delays", Partition), Decode((Kafka[("offset", 3)].Key, null)));
        Assert.Equal(new GroupForgotten("delays"), Decode((Kafka[("group", 3)].Key, null)));
    }

    [Fact]
    public void Records_of_newer_kinds_are_passed_over_and_damaged_ones_refused()
    {
        Assert.Null(Decode(([0, 3, 1, 2], [1])));
        foreach (var (key, value) in Kafka.Values)
        {
            for (var length = 0; length < value.Length; length++) Assert.Throws<ProtocolException>(() => Decode((key, value[..length])));
            for (var length = 0; length < key.Length; length++) Assert.Throws<ProtocolException>(() => Decode((key[..length], value)));
        }
    }

    [Fact]
    public void A_write_too_large_for_one_batch_is_cut_and_done_with_its_last_part()
    {
        using var queue = new GroupWriteQueue(maxBatchBytes: 1000);
        List<GroupEvent> events = [.. Enumerable.Range(0, 50).Select(i => new OffsetCommitted("delays", new TopicPartition("flights", i), Offset(LeaderEpoch.None, -1)))];
        var outcomes = new List<ErrorCode>();
        var big = new GroupWrite(events, (error, _) => outcomes.Add(error));
        var small = new GroupWrite(events[..1], (error, _) => outcomes.Add(error));
        queue.Add(big, 1);
        queue.Add(small, 1);
        var (stored, parts) = (new List<GroupEvent>(), 0);
        while (queue.TryTake(out var id, out var bytes))
        {
            Assert.True(bytes.Length <= 1000);
            var batch = queue.OnAnswer(id, ++parts == 2 ? ErrorCode.CoordinatorNotAvailable : ErrorCode.None)!;
            Assert.Equal(batch.Events, DecodeBatch(bytes));
            stored.AddRange(batch.Events);
            foreach (var write in batch.Completes) CoordinatorCore.OnWritten(write, new GroupStep());
        }

        Assert.True(parts > 2);
        Assert.Equal([.. events, events[0]], stored);
        Assert.Equal([ErrorCode.CoordinatorNotAvailable, ErrorCode.None], outcomes);
    }

    [Fact]
    public void Writes_that_come_while_batches_are_under_way_travel_together_and_old_answers_count_for_nothing()
    {
        using var queue = new GroupWriteQueue(1 << 20);
        var taken = new List<long>();
        for (var i = 0; i < 20; i++)
        {
            queue.Add(new GroupWrite([new GroupForgotten($"g{i}")], (_, _) => { }), 1);
            while (queue.TryTake(out var id, out _)) taken.Add(id);
        }

        Assert.Null(queue.OnAnswer(taken[^1], ErrorCode.None)); // not the oldest
        Assert.Single(queue.OnAnswer(taken[0], ErrorCode.None)!.Events);
        Assert.True(queue.TryTake(out var together, out var bytes));
        Assert.Equal(20 - taken.Count, DecodeBatch(bytes).Count);
        Assert.Equal(19, queue.Abandon(ErrorCode.NotCoordinator).Count);
        Assert.Null(queue.OnAnswer(together, ErrorCode.None));
    }

    private static CommittedOffset Offset(LeaderEpoch epoch, long expireMs) => new(new Offset(123456789012), epoch, "remärk", CommitMs, expireMs);

    private static GroupMetadata Members(int version) => new("consumer", 5, "range", "m-1", version >= 2 ? CommitMs : -1, [Member("m-1", version, "inst"), Member("m-2", version, null)]);

    private static StoredMember Member(string id, int version, string? instance) => new(
        id, version >= 3 ? instance : null, "cl", "/10.0.0.1", version >= 1 ? 300_000 : 45_000, 45_000, new byte[] { 0, 3, 1, 2, 3 }, new byte[] { 9, 8, 7 });

    private static void AssertWrites(string kind, int version, GroupEvent change)
    {
        var (key, value) = new GroupRecordCodec().Encode(change);
        Assert.Equal(Kafka[(kind, version)].Key, key.ToArray());
        Assert.Equal(Kafka[(kind, version)].Value, value!.Value.ToArray());
    }

    private static void AssertSame(GroupMetadata expected, GroupMetadata actual)
    {
        Assert.Equal(expected with { Members = [] }, actual with { Members = [] });
        Assert.Equal(expected.Members.Select(Plain), actual.Members.Select(Plain));

        static string Plain(StoredMember m) =>
            $"{m.Id} {m.InstanceId} {m.ClientId} {m.ClientHost} {m.RebalanceTimeoutMs} {m.SessionTimeoutMs} {Convert.ToHexString(m.Subscription.Span)} {Convert.ToHexString(m.Assignment.Span)}";
    }

    private static GroupEvent? Decode((byte[] Key, byte[]? Value) record)
    {
        using var builder = new RecordBatchBuilder(1 << 16);
        builder.TryAppend(1, record.Key, record.Value is null ? default(ReadOnlyMemory<byte>?) : record.Value);
        using var records = new RecordEnumerator(builder.Build().Span);
        Assert.True(records.MoveNext());
        return new GroupRecordCodec().Decode(records.Current);
    }

    private static List<GroupEvent> DecodeBatch(Memory<byte> batch)
    {
        var codec = new GroupRecordCodec();
        var events = new List<GroupEvent>();
        using var records = new RecordEnumerator(batch.Span);
        while (records.MoveNext()) events.Add(codec.Decode(records.Current)!);
        return events;
    }

    private static Dictionary<(string Kind, int Version), (byte[] Key, byte[] Value)> Read()
    {
        using var stream = typeof(GroupRecordTests).Assembly.GetManifestResourceStream("kafka-group-records.txt")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(' '))
            .ToDictionary(words => (words[0], int.Parse(words[1], null)), words => (Convert.FromHexString(words[2]), Convert.FromHexString(words[3])));
    }
}
