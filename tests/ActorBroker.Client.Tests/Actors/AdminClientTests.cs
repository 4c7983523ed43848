using ActorBroker.Log;
using ActorBroker.Protocol;
using Akka.Configuration;

namespace ActorBroker.Client.Tests.Actors;

/// <summary>The admin against a fake broker.</summary>
public class AdminClientTests
{
    [Fact]
    public async Task Topics_are_created_described_and_deleted_with_a_result_each()
    {
        await using var rig = ActorRig.OverTcp();
        await using var admin = AdminClient.Create(rig.Client, Settings(rig));
        var created = await admin.CreateTopicsAsync([new NewTopic("a", 2), new NewTopic("b", 1), new NewTopic("a", 3)]);
        Assert.Equal(3, created.Count);
        Assert.True(created[1].Succeeded);
        var again = await admin.CreateTopicsAsync([new NewTopic("b", 1)]);
        Assert.Equal(ErrorCode.TopicAlreadyExists, Assert.Single(again).Error);
        Assert.NotEmpty(again[0].Message);

        Assert.Equal(["a", "b"], (await admin.ListTopicsAsync()).Select(topic => topic.Name));
        var described = await admin.DescribeTopicsAsync(["b", "nowhere"]);
        Assert.Equal((new BrokerId(1), 7), (Assert.Single(described[0].Partitions).Leader, described[0].Partitions[0].PartitionEpoch));
        Assert.Equal([0, 1], (await admin.DescribeTopicsAsync(["a"]))[0].Partitions.Select(partition => partition.Index));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, described[1].Error);

        var deleted = await admin.DeleteTopicsAsync(["nowhere", "a"]);
        Assert.Equal([ErrorCode.UnknownTopicOrPartition, ErrorCode.None], deleted.Select(topic => topic.Error));
        Assert.Equal("fake", (await admin.DescribeClusterAsync()).ClusterId);
    }

    [Fact]
    public async Task Offsets_are_asked_of_the_leaders()
    {
        await using var rig = ActorRig.InProcess();
        rig.Log.Topics["t"] = 2;
        rig.Log.Append(new TopicPartition("t", 1), TestClusters.Batch(0, "a", "b"));
        await using var admin = AdminClient.Create(rig.Client, Settings(rig));
        var offsets = (await admin.ListOffsetsAsync(new Dictionary<TopicPartition, StartPosition>
        {
            [new("t", 0)] = StartPosition.End,
            [new("t", 1)] = StartPosition.End,
            [new("t", 5)] = StartPosition.End,
            [new("nowhere", 0)] = StartPosition.Beginning,
            [new("t", 7)] = StartPosition.At(new Offset(12)),
        })).ToDictionary(result => result.Partition);
        Assert.Equal(0, offsets[new("t", 0)].Offset.Value);
        Assert.Equal(2, offsets[new("t", 1)].Offset.Value);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, offsets[new("t", 5)].Error);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, offsets[new("nowhere", 0)].Error);
        Assert.Equal(12, offsets[new("t", 7)].Offset.Value);
    }

    [Fact]
    public async Task An_unreachable_cluster_fails_the_call()
    {
        await using var rig = ActorRig.OverTcp();
        await rig.StopBrokerAsync();
        var settings = Settings(rig, "actorbroker.client.bootstrap.timeout.ms = 500");
        await using var admin = AdminClient.Create(rig.Client, settings);
        var error = await Assert.ThrowsAsync<AdminException>(() => admin.ListTopicsAsync());
        Assert.True(error.IsUnreachable);
        Assert.Contains(rig.Bootstrap, error.Message, StringComparison.Ordinal);
    }

    private static ClientSettings Settings(ActorRig rig, string hocon = "") =>
        ClientSettings.Create(ConfigurationFactory.ParseString(hocon)).WithBootstrap(rig.Bootstrap);
}
