using ActorBroker.Cli.Tests.Processes;
using ActorBroker.Client;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.Configuration;

namespace ActorBroker.Cli.Tests;

/// <summary>A client whose frames are the smallest that Akka.Remote has asks a real node about a group that fits into none of them.</summary>
public class LargeGroupsTests
{
    private const string Group = "g";
    private const int Topics = 140;
    private const int Members = 70;
    private const int NameLength = 240;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Offsets_and_members_are_asked_for_in_pieces_and_none_is_missing()
    {
        await using var node = new NodeProcess();
        var config = Path.Combine(node.DataDirectory, "test.conf");
        await File.WriteAllTextAsync(config, "actorbroker.group.initial.rebalance.delay.ms = 600000\nactorbroker.offsets.topic.num.partitions = 1\n");
        await node.StartAsync("--config", config);
        using var system = ActorSystem.Create("large-groups", ConfigurationFactory.ParseString("""
            akka.loglevel = OFF
            akka.stdout-loglevel = OFF
            akka.actor.provider = remote
            akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
            akka.remote.dot-netty.tcp.port = 0
            akka.remote.dot-netty.tcp.maximum-frame-size = 32000b
            """));
        await using var admin = AdminClient.Create(system, ClientSettings.Create(system).WithBootstrap(node.Bootstrap));
        var topics = Enumerable.Range(100, Topics).Select(i => $"{new string('t', NameLength)}{i}").ToList();
        foreach (var some in topics.Chunk(20))
            Assert.All(await admin.CreateTopicsAsync([.. some.Select(name => new NewTopic(name, 1))]), topic => Assert.True(topic.Succeeded, topic.Message));
        var expected = topics.Select((name, i) => (Partition: new TopicPartition(name, 0), Offset: new Offset(i + 1))).ToDictionary(offset => offset.Partition, offset => offset.Offset);
        foreach (var some in expected.Chunk(20))
            Assert.All(await admin.AlterGroupOffsetsAsync(Group, some.ToDictionary()), offset => Assert.Equal(ErrorCode.None, offset.Error));

        Assert.Equal(expected, (await admin.ListGroupOffsetsAsync(Group)).ToDictionary(offset => offset.Key, offset => offset.Value.Offset));
        var asked = await admin.ListGroupOffsetsAsync(Group, [.. expected.Keys.Reverse(), new TopicPartition(topics[0], 7)]);
        Assert.Equal(expected, asked.ToDictionary(offset => offset.Key, offset => offset.Value.Offset));

        var instances = Enumerable.Range(100, Members).Select(i => $"{new string('m', NameLength)}{i}").ToList();
        var endpoint = system.ActorSelection($"akka.tcp://actorbroker@{node.Bootstrap}/user/actorbroker");
        foreach (var instance in instances) _ = endpoint.Ask<object>(new ApiRequest(1, "test", 1000, Join(instance)), Deadline);
        for (var started = TimeProvider.System.GetTimestamp(); ; await Task.Delay(20))
        {
            var described = Assert.Single(await admin.DescribeGroupsAsync([Group]));
            Assert.True(described.Error == ErrorCode.None, described.Message);
            var known = described.Members.Select(member => member.InstanceId!).ToList();
            if (known.Count == Members)
            {
                Assert.Equal(instances, known);
                return;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(started) < Deadline, $"{known.Count} members");
        }
    }

    private static JoinGroupRequest Join(string instance) => new()
    {
        GroupId = Group,
        SessionTimeoutMs = 600_000,
        RebalanceTimeoutMs = 600_000,
        GroupInstanceId = instance,
        ProtocolType = "consumer",
        Protocols = [new() { Name = "range" }],
    };
}
