using System.Text;
using ActorBroker.Cleaning;
using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Tests.Api;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Cleaning;

/// <summary>One node with compacted topics: what clients write and read, and what its cleaner makes of it.</summary>
public sealed class CompactedTopicTests : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DataPath _node;

    public CompactedTopicTests() : base(DataPath.Config) => _node = new DataPath(this);

    [Fact]
    public void A_compacted_topic_keeps_the_newest_record_of_each_key_at_its_offset()
    {
        var topic = Create("prices");
        for (var i = 0; i < 60; i++) Put("prices", $"k{i % 5}", $"{i}");
        var active = Clean(topic);
        Assert.InRange(active, 30, 59);

        var read = ReadKeyed("prices", 0);
        var expected = Enumerable.Range(0, 60).Where(i => i >= active || i >= active - 5).Select(i => ((long)i, $"k{i % 5}", $"{i}"));
        Assert.Equal(expected, read);
        // Offsets that are gone give what comes next.
        for (var from = 0; from < active; from += 7) Assert.Equal(read.Where(record => record.Offset >= from), ReadKeyed("prices", from));

        Put("prices", "k0", "new");
        Assert.Equal((60, "k0", "new"), ReadKeyed("prices", 0)[^1]);
        Assert.True(_node.StopCleanly());
        _node.Start();
        Assert.Equal([.. expected, (60, "k0", "new")], ReadKeyed("prices", 0));
        Assert.Equal(active, _node.Directory.CleanedTo(Partition("prices"))?.Value);
    }

    [Fact]
    public void A_record_without_a_key_is_refused()
    {
        Create("prices");
        var answer = _node.AskProduce("prices", _node.Batch("no key"));
        Assert.Equal(ErrorCode.InvalidRecord, answer.ErrorCode);
        Assert.Contains("needs a key", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Empty(ReadKeyed("prices", 0));
    }

    [Fact]
    public void A_log_that_can_t_be_cleaned_is_set_aside_and_the_others_are_cleaned()
    {
        var (broken, sound) = (Create("broken"), Create("sound"));
        foreach (var name in (string[])["broken", "sound"])
            for (var i = 0; i < 60; i++) Put(name, $"k{i % 5}", $"{i}");
        var log = _node.Partitions.Find(broken.Id, 0)!.Log;
        _node.Files.Damage(Path.Combine(log.Directory, $"{0:D20}.log"), 100);
        Clean(sound);
        Assert.Null(_node.Directory.CleanedTo(Partition("broken")));
        Put("broken", "k0", "it goes on");
    }

    private Metadata.TopicImage Create(string name) => _node.CreateTopic(
        name, 1, ("cleanup.policy", "compact"), ("segment.bytes", "1000"), ("min.cleanable.dirty.ratio", "0.1"), ("index.interval.bytes", "100"));

    private static TopicPartition Partition(string topic) => new(topic, 0);

    private void Put(string topic, string key, string value)
    {
        using var builder = new RecordBatchBuilder(10_000);
        builder.TryAppend(_node.Time.NowMs, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value));
        Assert.Equal(ErrorCode.None, _node.AskProduce(topic, builder.Build().ToArray()).ErrorCode);
    }

    /// <summary>Where the active segment begins: all before it is clean.</summary>
    private long Clean(Metadata.TopicImage topic)
    {
        var log = _node.Partitions.Find(topic.Id, 0)!.Log;
        Sys.ActorSelection(_node.Manager.Path / "cleaner").Tell(CleanerProtocol.Tick.Look);
        AwaitAssert(() => Assert.Equal(log.ActiveSegmentBaseOffset, _node.Directory.CleanedTo(Partition(topic.Name))), Patience);
        return log.ActiveSegmentBaseOffset.Value;
    }

    private List<(long Offset, string Key, string Value)> ReadKeyed(string topic, long from)
    {
        var all = new List<(long, string, string)>();
        while (true)
        {
            var data = _node.AskFetch(topic, from);
            Assert.Equal(ErrorCode.None, data.ErrorCode);
            var start = from;
            for (var rest = data.Records.GetValueOrDefault(); !rest.IsEmpty;)
            {
                Assert.Equal(BatchFault.None, RecordBatchValidator.CheckChecksum(rest.Span, out var header));
                using var batch = new RecordEnumerator(rest.Span[..(int)header.SizeInBytes]);
                while (batch.MoveNext())
                    if (batch.Current.Offset.Value >= start) all.Add((batch.Current.Offset.Value, Encoding.UTF8.GetString(batch.Current.Key), Encoding.UTF8.GetString(batch.Current.Value)));
                from = header.NextOffset.Value;
                rest = rest[(int)header.SizeInBytes..];
            }

            if (from == start) return all;
        }
    }
}
