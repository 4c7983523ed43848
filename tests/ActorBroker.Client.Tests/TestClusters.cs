using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Configuration;

namespace ActorBroker.Client.Tests;

/// <summary>Settings and metadata for the cores' tests.</summary>
internal static class TestClusters
{
    public static readonly BrokerId One = new(1);
    public static readonly BrokerId Two = new(2);

    /// <summary>Without idempotence unless asked for: then nothing has to be had before the first batch leaves.</summary>
    public static ProducerSettings Producer(string hocon = "") =>
        ProducerSettings.Create(ConfigurationFactory.ParseString("actorbroker.producer.enable.idempotence = false\n" + hocon));

    public static ConsumerSettings Consumer(string hocon = "") => ConsumerSettings.Create(ConfigurationFactory.ParseString(hocon));

    public static TimeSpan Ms(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    /// <summary>Two brokers, and topics whose partitions have the leaders given.</summary>
    public static ClusterImage Image(params (string Topic, BrokerId[] Leaders)[] topics) => Image(3, topics);

    public static ClusterImage Image(int epoch, params (string Topic, BrokerId[] Leaders)[] topics)
    {
        var brokers = ImmutableDictionary<BrokerId, NodeAddress>.Empty
            .Add(One, new NodeAddress("actorbroker", "one", 1))
            .Add(Two, new NodeAddress("actorbroker", "two", 2));
        var views = topics.ToImmutableDictionary(
            topic => topic.Topic,
            topic => new TopicView(
                topic.Topic, new TopicId(new Guid(topic.Topic.Length, 0, 0, new byte[8])), ErrorCode.None,
                [.. topic.Leaders.Select((leader, index) => new PartitionView(index, leader, new LeaderEpoch(epoch), ErrorCode.None))]));
        return new ClusterImage("cluster", One, brokers, views);
    }

    public static ClusterImage Missing(string topic) => new(
        "cluster", One, Image().Brokers,
        ImmutableDictionary<string, TopicView>.Empty.Add(topic, new TopicView(topic, default, ErrorCode.UnknownTopicOrPartition, [])));

    public static byte[] Batch(long baseOffset, params string[] values)
    {
        using var builder = new RecordBatchBuilder(1 << 20) { BaseOffset = new Offset(baseOffset) };
        for (var i = 0; i < values.Length; i++)
            Assert.True(builder.TryAppend(1000 + i, null, System.Text.Encoding.UTF8.GetBytes(values[i])));
        return builder.Build().ToArray();
    }

    public static string Text(ReadOnlyMemory<byte>? bytes) => bytes is { } given ? System.Text.Encoding.UTF8.GetString(given.Span) : "(null)";
}
