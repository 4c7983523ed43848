using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Pieces;
using ActorBroker.Protocol;
using Akka.Actor;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>What the controller and other nodes say to each other, as bytes: whole, damaged, and in pieces.</summary>
public sealed class ControllerMessageTests
{
    private static readonly ControllerMessageSerializer Serializer = new(null!);
    private static readonly BrokerId One = new(1);
    private static readonly BrokerId Two = new(2);
    private static readonly TopicId Id = new(new Guid(1, 2, 3, new byte[8]));

    private static readonly PartitionImage Partition = new(0, [One, Two], [One], [Two], One, new LeaderEpoch(3), 7) { AddingReplicas = [Two], RemovingReplicas = [One] };

    private static readonly TopicImage Topic = new(
        Id, "é", [Partition, new PartitionImage(1, [Two], [], [], null, new LeaderEpoch(4), 9) { LastKnownLeader = Two }],
        ImmutableSortedDictionary<string, string>.Empty.Add("retention.ms", "1"));

    private static readonly MetadataImage Image = (MetadataImage.Empty with { ClusterId = new ClusterId("c"), Version = 99, FeatureLevel = 1, NextProducerId = 3000 })
        .With(Topic)
        .With(new BrokerImage(One, 5, new Guid(4, 4, 4, new byte[8]), new DirectoryId(Guid.Empty), "rack", [new BrokerEndpoint("AKKA", "::1", 1, "AKKA")], Fenced: false)
        {
            BootId = "boot",
            InControlledShutdown = true,
        });

    private static readonly IControlEvent[] Events =
    [
        new ClusterFormed("c", 1),
        new BrokerRegistered(1, Guid.Empty, Guid.Empty, null, [], CleanShutdown: true, null),
        new BrokerFencingChanged(1, 2, Fenced: true),
        new BrokerStopping(1, 2),
        new BrokerRemoved(1, 2),
        new TopicCreated(Guid.Empty, "t", [new PartitionAssignment([1, 2], [1], 1)], ImmutableSortedDictionary<string, string>.Empty.Add("k", "v")),
        new PartitionsAdded(Guid.Empty, 1, [new PartitionAssignment([1], [1], 1)]),
        new PartitionChanged(Guid.Empty, 0, [1, 2], [1], [2], -1, 3, 4, 1, [2], [1]),
        new TopicConfigChanged(Guid.Empty, ImmutableSortedDictionary<string, string?>.Empty.Add("k", null)),
        new TopicDeleted(Guid.Empty),
        new ProducerIdsAllocated(1000, 1000),
    ];

    private static readonly IControllerMessage[] Messages =
    [
        new RegisterBroker(One, Guid.Empty, new DirectoryId(Guid.Empty), null, null, [new BrokerEndpoint("AKKA", "h", 1, "AKKA")], CleanShutdown: true, null),
        new BrokerAccepted(new ClusterId("c"), 5),
        new BrokerRefused("no"),
        new BrokerHeartbeat(One, 5, -1, WantsShutdown: true),
        new HeartbeatAnswered(5, 6, IsFenced: true, MayShutDown: false),
        new BrokerUnknown(One),
        new ReconcileCompleted(One, 5, 6),
        new ControllerProtocol.MetadataRequest(One, 5, 6),
        new MetadataDelta(3, [.. Events.Select((change, i) => new SequencedEvent(4 + (2 * i), change))]),
        new MetadataSnapshot(Image),
        new AlterPartitions(One, 5, [new IsrProposal(Id, 0, new LeaderEpoch(3), 7, [new IsrMember(One, 5), new IsrMember(Two, -1)])]),
        new PartitionsAltered([new IsrOutcome(Id, 0, ErrorCode.None, Partition), new IsrOutcome(Id, 9, ErrorCode.UnknownTopicOrPartition, null)]),
        new SuspectBroker(One, 5, "refused"),
        new AllocateProducerIds(One, 5),
        new ProducerIdBlock(1000, 1000, ErrorCode.None),
        new CreateTopics([new NewTopic("t", 1, -1, [[One, Two]], [new("k", null)])], ValidateOnly: false),
        new DeleteTopics([new TopicReference(null, Id)]),
        new AddPartitions([new MorePartitions("t", 3, [])], ValidateOnly: true),
        new AlterTopicConfigs([new TopicConfigChanges("t", [new ConfigChange("k", null), new ConfigChange("l", "v") { Operation = ConfigOperation.Append }]) { ReplacesAll = true }], ValidateOnly: false),
        new TopicResults([new TopicResult("t", ErrorCode.None, null, Topic), TopicResult.Refused("u", ErrorCode.InvalidConfig, "no")]),
        new ElectLeaders(ElectionKind.Unclean, [new TopicPartition("t", 1)]),
        new ElectLeaders(ElectionKind.Preferred, default),
        new ElectionResults([new PartitionResult(new TopicPartition("t", 1), ErrorCode.None, null)]),
        new AlterReassignments([new Reassignment("t", 1, [Two, One]), new Reassignment("t", 2, default)]),
        new ReassignmentResults([new PartitionResult(new TopicPartition("t", 1), ErrorCode.InvalidReplicaAssignment, "no")]),
        new UnregisterBroker(One),
        new UnregisterResult(One, ErrorCode.None, null),
        DescribeQuorum.Instance,
        new QuorumDescription(One, new LeaderEpoch(3), 8, 9, [new QuorumMember(One, new DirectoryId(Guid.Empty), 9, 1000, -1)], []),
        new AlterVoters(ActorBroker.Journal.VoterChange.Remove, Two),
        new VotersAltered(ErrorCode.DuplicateVoter, "it votes", [One, Two]),
        new ControllerUnavailable("away"),
    ];

    [Fact]
    public void There_is_an_example_of_every_message() => Assert.Equal(
        typeof(ControllerProtocol).GetNestedTypes().Where(type => type.IsClass && type.IsAssignableTo(typeof(IControllerMessage))).Select(type => type.Name).Order(),
        Messages.Select(message => message.GetType().Name).Distinct().Order());

    [Fact]
    public void Messages_come_back_as_they_were()
    {
        foreach (var message in Messages)
        {
            var bytes = Serializer.ToBinary(message);
            var back = Serializer.FromBinary(bytes, Serializer.Manifest(message));
            Assert.IsType(message.GetType(), back);
            Assert.Equal(Encoding.UTF8.GetString(bytes), Encoding.UTF8.GetString(Serializer.ToBinary(back)));
        }
    }

    [Fact]
    public void An_image_comes_back_complete()
    {
        var back = ((MetadataSnapshot)Serializer.FromBinary(Serializer.ToBinary(new MetadataSnapshot(Image)), "MetadataSnapshot:1")).Image;
        Assert.Equal((Image.ClusterId, Image.Version, Image.FeatureLevel, Image.NextProducerId), (back.ClusterId, back.Version, back.FeatureLevel, back.NextProducerId));
        var broker = back.Brokers[One];
        Assert.Equal(Image.Brokers[One] with { Endpoints = broker.Endpoints }, broker);
        Assert.Equal<BrokerEndpoint>(Image.Brokers[One].Endpoints, broker.Endpoints);
        var topic = back.FindTopic(Id)!;
        Assert.Same(topic, back.FindTopic("é"));
        Assert.Equal(Topic.Overrides, topic.Overrides);
        Assert.Equal((One, new LeaderEpoch(3), 7), (topic.Partitions[0].Leader, topic.Partitions[0].LeaderEpoch, topic.Partitions[0].PartitionEpoch));
        Assert.Equal<BrokerId>(Partition.Replicas, topic.Partitions[0].Replicas);
        Assert.Equal<BrokerId>(Partition.Isr, topic.Partitions[0].Isr);
        Assert.Equal<BrokerId>(Partition.EligibleLeaders, topic.Partitions[0].EligibleLeaders);
        Assert.Equal<BrokerId>(Partition.AddingReplicas, topic.Partitions[0].AddingReplicas);
        Assert.Equal<BrokerId>(Partition.RemovingReplicas, topic.Partitions[0].RemovingReplicas);
        Assert.Equal((null, Two), (topic.Partitions[1].Leader, topic.Partitions[1].LastKnownLeader));
    }

    // Cut anywhere: refused. Any one byte changed: another message or refused, never anything else.
    [Fact]
    public void Damage_is_refused_with_a_type()
    {
        foreach (var message in Messages)
        {
            var manifest = Serializer.Manifest(message);
            var bytes = Serializer.ToBinary(message);
            for (var end = 0; end < bytes.Length; end++)
                Assert.Throws<SerializationException>(() => Serializer.FromBinary(bytes[..end], manifest));
            for (var at = 0; at < bytes.Length; at++)
            {
                var changed = (byte[])bytes.Clone();
                changed[at] ^= (byte)(1 << (at % 8));
                try
                {
                    Serializer.FromBinary(changed, manifest);
                }
                catch (SerializationException)
                {
                }
            }
        }
    }

    [Theory]
    [InlineData("BrokerHeartbeat:1", "{}", "BrokerEpoch")]
    [InlineData("BrokerHeartbeat:2", "{}", "BrokerHeartbeat:2")]
    [InlineData("BrokerRefused:1", "{\"Reason\":null}", "BrokerRefused:1")]
    [InlineData("DeleteTopics:1", "{\"Topics\":null}", "DeleteTopics:1")]
    [InlineData("MetadataDelta:1", "{\"From\":1,\"Events\":[{\"Sequence\":2,\"Event\":[\"TopicMoved:1\",{}]}]}", "TopicMoved:1")]
    [InlineData("MetadataSnapshot:1", "{\"Image\":{\"ClusterId\":null,\"Version\":1,\"FeatureLevel\":1,\"Brokers\":[],\"Topics\":[{\"Id\":\"00000000-0000-0000-0000-000000000001\",\"Name\":\"t\",\"Partitions\":[],\"Overrides\":{}}]}}", "no partitions")]
    public void What_lacks_something_or_is_newer_is_refused_by_name(string manifest, string json, string named)
    {
        var fault = Assert.Throws<SerializationException>(() => Serializer.FromBinary(Encoding.UTF8.GetBytes(json), manifest));
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_newer_release_adds_is_ignored() => Assert.Equal(
        new BrokerUnknown(One),
        Serializer.FromBinary("{\"Id\":1,\"Why\":\"later\"}"u8.ToArray(), "BrokerUnknown:1"));

    // As written before reassignments and last known leaders were known.
    [Fact]
    public void Events_of_the_first_release_are_read()
    {
        var bytes = "{\"TopicId\":\"00000000-0000-0000-0000-000000000001\",\"Index\":0,\"Replicas\":[1],\"Isr\":[1],\"EligibleLeaders\":[],\"Leader\":1,\"LeaderEpoch\":1,\"PartitionEpoch\":1}"u8;
        var change = Assert.IsType<PartitionChanged>(new ControlEventSerializer(null!).FromBinary(bytes.ToArray(), "PartitionChanged:1"));
        Assert.Equal(-1, change.LastKnownLeader);
        Assert.Empty(change.AddingReplicas);
        Assert.Empty(change.RemovingReplicas);
    }

    [Fact]
    public void A_large_message_is_put_together_from_its_pieces_and_only_from_all_of_them()
    {
        var message = new BrokerRefused(new string('x', 2 * Piece.MaxSize));
        var bytes = Serializer.ToBinary(message);
        var reader = new MessageReader(null!);
        List<MessagePiece> Cut(long number) =>
            [.. Piece.Cut(bytes, number).Select(piece => (MessagePiece)Serializer.FromBinary(Serializer.ToBinary(new MessagePiece("BrokerRefused:1", "akka://a/user/b", piece)), "Piece:1"))];

        var first = Cut(1);
        Assert.Equal(3, first.Count);
        Assert.All(first, piece => Assert.True(Serializer.ToBinary(piece).Length < 32_000));
        Assert.Equal("akka://a/user/b", first[1].To);
        Assert.Null(reader.On(first[0], ActorRefs.Nobody));
        Assert.Null(reader.On(first[2], ActorRefs.Nobody)); // the second was lost
        var again = Cut(2);
        Assert.Null(reader.On(again[0], ActorRefs.Nobody));
        Assert.Null(reader.On(first[1], ActorRefs.Nobody)); // of the other
        Assert.Null(reader.On(again[1], ActorRefs.Nobody));
        Assert.Equal(message, reader.On(again[2], ActorRefs.Nobody));
    }

    [Fact]
    public void Damaged_pieces_are_refused()
    {
        var bytes = Serializer.ToBinary(new MessagePiece("m", "to", new Piece(1, 0, 10, new byte[10])));
        for (var end = 0; end < bytes.Length - 9; end++)
            Assert.Throws<SerializationException>(() => Serializer.FromBinary(bytes[..end], "Piece:1"));
        var huge = Serializer.ToBinary(new MessagePiece("m", "to", new Piece(1, 0, int.MaxValue, new byte[10])));
        Assert.Throws<SerializationException>(() => Serializer.FromBinary(huge, "Piece:1"));
        var outside = Serializer.ToBinary(new MessagePiece("m", "to", new Piece(1, 5, 10, new byte[10])));
        Assert.Throws<SerializationException>(() => Serializer.FromBinary(outside, "Piece:1"));
    }
}
