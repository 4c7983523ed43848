using System.Collections.Immutable;
using ActorBroker.Api;
using ActorBroker.Api.Admin;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Messaging;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using Akka.Actor;
using Akka.TestKit;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Api;

/// <summary>
/// What a node of a cluster of three says of it, from its metadata: broker 3 is fenced, partition t-1 has lost its leader, and t-0
/// moves to broker 3. The test plays the client and the controller.
/// </summary>
public sealed class ClusterHandlersTests : Akka.TestKit.Xunit2.TestKit
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly BrokerId One = new(1);
    private static readonly BrokerId Two = new(2);
    private static readonly BrokerId Three = new(3);

    private readonly MetadataCache _cache = new();
    private readonly TestProbe _controller;
    private readonly IActorRef _endpoint;

    public ClusterHandlersTests()
        : base(DataPath.Config)
    {
        _controller = CreateTestProbe();
        Assert.True(_cache.TryPublish(Image()));
        _endpoint = Endpoint(silence: Deadline * 2);
    }

    [Fact]
    public void Metadata_names_live_brokers_leaders_and_replicas_that_are_offline()
    {
        var metadata = Ask<MetadataResponse>(new Protocol.MetadataRequest { Topics = null });
        Assert.Equal([1, 2], metadata.Brokers.Select(broker => broker.NodeId));
        Assert.Equal("b", metadata.Brokers[1].Rack);
        var partitions = metadata.Topics.Single(topic => topic.Name == "t").Partitions;
        Assert.Equal((ErrorCode.None, 1, 5), (partitions[0].ErrorCode, partitions[0].LeaderId, partitions[0].LeaderEpoch));
        Assert.Equal((ErrorCode.LeaderNotAvailable, -1), (partitions[1].ErrorCode, partitions[1].LeaderId));
        Assert.Equal([3], partitions[1].OfflineReplicas);
    }

    [Fact]
    public void Fenced_brokers_are_described_only_where_asked_for()
    {
        Assert.Equal([1, 2], Ask<DescribeClusterResponse>(new DescribeClusterRequest()).Brokers.Select(broker => broker.BrokerId));
        var all = Ask<DescribeClusterResponse>(new DescribeClusterRequest { IncludeFencedBrokers = true });
        Assert.Equal("c", all.ClusterId);
        Assert.Equal([(1, false, 11L), (2, false, 12L), (3, true, 13L)], all.Brokers.Select(broker => (broker.BrokerId, broker.IsFenced, broker.BrokerEpoch)));
        var refused = Ask<DescribeClusterResponse>(new DescribeClusterRequest { EndpointType = EndpointType.Controller });
        Assert.Equal(ErrorCode.MismatchedEndpointType, refused.ErrorCode);
    }

    [Fact]
    public void Partitions_are_described_with_eligible_leaders_last_leader_and_partition_epoch()
    {
        var topic = Ask<DescribeTopicPartitionsResponse>(new DescribeTopicPartitionsRequest { Topics = [new() { Name = "t" }, new() { Name = "none" }] }).Topics;
        Assert.Equal(["none", "t"], topic.Select(t => t.Name));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, topic[0].ErrorCode);
        Assert.Equal((5, 9), (topic[1].Partitions[0].LeaderEpoch, topic[1].Partitions[0].PartitionEpoch));
        Assert.Equal([2], topic[1].Partitions[0].EligibleLeaderReplicas);
        Assert.Equal([3], topic[1].Partitions[1].LastKnownElr);
        Assert.Equal(ErrorCode.LeaderNotAvailable, topic[1].Partitions[1].ErrorCode);
    }

    [Theory]
    [InlineData(1, int.MaxValue)]
    [InlineData(2, int.MaxValue)]
    [InlineData(2000, 1)]
    [InlineData(2000, 700)]
    public void Pages_lead_through_all_partitions_once(int limit, int maxResponseBytes)
    {
        var seen = new List<(string?, int)>();
        DescribeTopicPartitionsRequest.Position? cursor = null;
        var pages = 0;
        do
        {
            var page = Ask<DescribeTopicPartitionsResponse>(
                new DescribeTopicPartitionsRequest { ResponsePartitionLimit = limit, Cursor = cursor }, maxResponseBytes);
            var partitions = page.Topics.SelectMany(topic => topic.Partitions.Select(partition => (topic.Name, partition.PartitionIndex))).ToList();
            Assert.InRange(partitions.Count, 1, limit);
            seen.AddRange(partitions);
            cursor = page.NextCursor is { } next ? new() { TopicName = next.TopicName, PartitionIndex = next.PartitionIndex } : null;
            Assert.InRange(++pages, 1, 20);
        }
        while (cursor is not null);

        Assert.Equal([("a", 0), ("t", 0), ("t", 1), ("z", 0), ("z", 1), ("z", 2)], seen);
    }

    [Fact]
    public void A_move_under_way_is_listed_for_all_or_for_those_asked_about()
    {
        var all = Ask<ListPartitionReassignmentsResponse>(new ListPartitionReassignmentsRequest());
        var moving = Assert.Single(Assert.Single(all.Topics).Partitions);
        Assert.Equal(0, moving.PartitionIndex);
        Assert.Equal([1, 2, 3], moving.Replicas);
        Assert.Equal([3], moving.AddingReplicas);
        Assert.Equal([1], moving.RemovingReplicas);
        var others = Ask<ListPartitionReassignmentsResponse>(new ListPartitionReassignmentsRequest
        {
            Topics = [new() { Name = "t", PartitionIndexes = [1, 77] }, new() { Name = "none", PartitionIndexes = [0] }],
        });
        Assert.Empty(others.Topics);
    }

    [Fact]
    public void An_election_is_the_controllers_and_its_answer_the_clients()
    {
        var request = new ElectLeadersRequest { ElectionType = ElectionType.Unclean, TopicPartitions = [new() { Topic = "t", Partitions = [1, 0] }] };
        var elected = AskController<ElectLeadersResponse, ElectLeaders>(request, command =>
        {
            Assert.Equal(ElectionKind.Unclean, command.Kind);
            Assert.Equal(["t-1", "t-0"], command.Partitions.Select(partition => partition.ToString()));
            return new ElectionResults([new(new("t", 1), ErrorCode.None, null), new(new("t", 0), ErrorCode.ElectionNotNeeded, "it leads")]);
        });
        Assert.Equal(
            [(1, ErrorCode.None, null), (0, ErrorCode.ElectionNotNeeded, "it leads")],
            Assert.Single(elected.ReplicaElectionResults).PartitionResult.Select(result => (result.PartitionId, result.ErrorCode, result.ErrorMessage)));
    }

    [Fact]
    public void All_partitions_are_none_to_the_controller_but_an_empty_list_asks_for_nothing()
    {
        Assert.Empty(Ask<ElectLeadersResponse>(new ElectLeadersRequest { TopicPartitions = [] }).ReplicaElectionResults);
        Assert.Empty(Ask<ElectLeadersResponse>(new ElectLeadersRequest { TopicPartitions = [new() { Topic = "t" }] }).ReplicaElectionResults);
        var all = AskController<ElectLeadersResponse, ElectLeaders>(new ElectLeadersRequest { TopicPartitions = null }, command =>
        {
            Assert.Empty(command.Partitions);
            return new ControllerUnavailable("nobody decides");
        });
        Assert.Equal(ErrorCode.NotController, all.ErrorCode);
    }

    [Fact]
    public void Moves_are_begun_given_up_and_refused_each_for_itself()
    {
        var request = new AlterPartitionReassignmentsRequest
        {
            AllowReplicationFactorChange = false,
            Topics = [new() { Name = "t", Partitions = [
                new() { PartitionIndex = 0, Replicas = null },
                new() { PartitionIndex = 1, Replicas = [2, 1] },
                new() { PartitionIndex = 2, Replicas = [] },
                new() { PartitionIndex = 1, Replicas = [2, 1, 3] }] }],
        };
        var altered = AskController<AlterPartitionReassignmentsResponse, AlterReassignments>(request with { Topics = [request.Topics[0] with { Partitions = [.. request.Topics[0].Partitions.Take(3)] }] }, command =>
        {
            Assert.Equal([(0, 0), (1, 2)], command.Partitions.Select(reassignment => (reassignment.Index, reassignment.Replicas.Length)));
            return new ReassignmentResults([new(new("t", 0), ErrorCode.NoReassignmentInProgress, "none"), new(new("t", 1), ErrorCode.None, null)]);
        });
        Assert.Equal(
            [ErrorCode.NoReassignmentInProgress, ErrorCode.None, ErrorCode.InvalidReplicaAssignment],
            Assert.Single(altered.Responses).Partitions.Select(partition => partition.ErrorCode));

        var larger = Ask<AlterPartitionReassignmentsResponse>(request with { Topics = [request.Topics[0] with { Partitions = [request.Topics[0].Partitions[3]] }] });
        Assert.Equal(ErrorCode.InvalidReplicationFactor, larger.Responses[0].Partitions[0].ErrorCode);
    }

    [Fact]
    public void A_broker_is_forgotten_by_the_controller_alone()
    {
        var answer = AskController<UnregisterBrokerResponse, UnregisterBroker>(new UnregisterBrokerRequest { BrokerId = 3 }, command =>
            new UnregisterResult(command.Id, ErrorCode.InvalidRequest, "it holds replicas"));
        Assert.Equal((ErrorCode.InvalidRequest, "it holds replicas"), (answer.ErrorCode, answer.ErrorMessage));
    }

    [Fact]
    public void Who_asked_a_controller_that_died_is_told_to_ask_again_and_questions_are_asked_again_here()
    {
        var hasty = Endpoint(silence: TimeSpan.FromSeconds(1));
        hasty.Tell(new ApiRequest(1, "test", int.MaxValue, new UnregisterBrokerRequest { BrokerId = 3 }), TestActor);
        _controller.ExpectMsg<UnregisterBroker>(Deadline);
        Assert.Equal(ErrorCode.NotController, Assert.IsType<UnregisterBrokerResponse>(ExpectMsg<ApiResponse>(Deadline).Body).ErrorCode);

        var question = new DescribeQuorumRequest { Topics = [new() { TopicName = "__cluster_metadata", Partitions = [new() { PartitionIndex = 0 }] }] };
        Endpoint(silence: TimeSpan.FromSeconds(4)).Tell(new ApiRequest(1, "test", int.MaxValue, question), TestActor);
        _controller.ExpectMsg<DescribeQuorum>(Deadline);
        _controller.ExpectMsg<DescribeQuorum>(Deadline);
        _controller.Reply(new QuorumDescription(Two, new LeaderEpoch(8), 41, 42, [], []));
        Assert.Equal(8, Assert.IsType<DescribeQuorumResponse>(ExpectMsg<ApiResponse>(Deadline).Body).Topics[0].Partitions[0].LeaderEpoch);
    }

    [Fact]
    public void Whose_own_time_is_shorter_is_told_that_it_is_over()
    {
        var response = Ask<ElectLeadersResponse>(new ElectLeadersRequest { TopicPartitions = null, TimeoutMs = 1 });
        Assert.Equal(ErrorCode.RequestTimedOut, response.ErrorCode);
    }

    [Fact]
    public void The_quorum_is_told_with_offsets_one_past_the_last_entry()
    {
        var request = new DescribeQuorumRequest { Topics = [new() { TopicName = "__cluster_metadata", Partitions = [new() { PartitionIndex = 0 }] }] };
        var quorum = AskController<DescribeQuorumResponse, DescribeQuorum>(request, _ => new QuorumDescription(
            Two, new LeaderEpoch(7), 41, 42, [new(Two, default, 42, 1000, 1000), new(Three, default, -1, -1, -1)], []));
        var partition = Assert.Single(Assert.Single(quorum.Topics).Partitions);
        Assert.Equal((2, 7, 42L), (partition.LeaderId, partition.LeaderEpoch, partition.HighWatermark));
        Assert.Equal([(2, 43L, 1000L), (3, -1L, -1L)], partition.CurrentVoters.Select(voter => (voter.ReplicaId, voter.LogEndOffset, voter.LastFetchTimestamp)));
        Assert.Equal([4052, 4053], quorum.Nodes.Select(node => (int)node.Listeners[0].Port));
        Assert.Equal(ErrorCode.InvalidRequest, Ask<DescribeQuorumResponse>(new DescribeQuorumRequest { Topics = [new() { TopicName = "t" }] }).ErrorCode);
    }

    [Fact]
    public void Voters_of_another_cluster_or_disk_are_refused_and_others_are_the_controllers()
    {
        Assert.Equal(ErrorCode.InconsistentClusterId, Ask<AddRaftVoterResponse>(new AddRaftVoterRequest { ClusterId = "d", VoterId = 3 }).ErrorCode);
        Assert.Equal(ErrorCode.InvalidVoterKey, Ask<RemoveRaftVoterResponse>(new RemoveRaftVoterRequest { VoterId = 3, VoterDirectoryId = new Guid(9, 9, 9, new byte[8]) }).ErrorCode);
        var added = AskController<AddRaftVoterResponse, AlterVoters>(new AddRaftVoterRequest { ClusterId = "c", VoterId = 3, TimeoutMs = 20_000 }, command =>
        {
            Assert.Equal((ActorBroker.Journal.VoterChange.Add, Three), (command.Change, command.Broker));
            return new VotersAltered(ErrorCode.DuplicateVoter, "it votes", []);
        });
        Assert.Equal((ErrorCode.DuplicateVoter, "it votes"), (added.ErrorCode, added.ErrorMessage));
    }

    private IActorRef Endpoint(TimeSpan silence)
    {
        var gateway = new ControllerGateway(_controller, silence);
        var dispatcher = new RequestDispatcher([
            new MetadataHandler(_cache, One, new AutoTopics(gateway, AllowAll.Instance, isEnabled: true), AllowAll.Instance),
            new DescribeClusterHandler(_cache, One, AllowAll.Instance),
            new DescribeTopicPartitionsHandler(_cache, AllowAll.Instance),
            new ElectLeadersHandler(gateway, AllowAll.Instance),
            new AlterPartitionReassignmentsHandler(gateway, _cache, AllowAll.Instance),
            new ListPartitionReassignmentsHandler(_cache, AllowAll.Instance),
            new UnregisterBrokerHandler(gateway, AllowAll.Instance),
            new DescribeQuorumHandler(gateway, _cache, AllowAll.Instance),
            new AddRaftVoterHandler(new VoterChanges(gateway, _cache, AllowAll.Instance)),
            new RemoveRaftVoterHandler(new VoterChanges(gateway, _cache, AllowAll.Instance)),
        ]);
        return Sys.ActorOf(BrokerEndpointActor.Props(dispatcher, DataPath.Limits));
    }

    private static MetadataImage Image()
    {
        var image = MetadataImage.Empty with { ClusterId = new ClusterId("c"), Version = 20 };
        foreach (var (id, rack) in new[] { (One, "a"), (Two, "b"), (Three, "c") })
        {
            image = image.With(new BrokerImage(
                id, 10 + id.Value, Guid.Empty, default, rack, [new BrokerEndpoint("AKKA", "host", 4050 + id.Value, "AKKA")], Fenced: id == Three));
        }

        var moving = new PartitionImage(0, [One, Two, Three], [One], [Two], One, new LeaderEpoch(5), 9) { AddingReplicas = [Three], RemovingReplicas = [One] };
        var offline = new PartitionImage(1, [Three, Two], [], [], null, new LeaderEpoch(6), 3) { LastKnownLeader = Three };
        return image.With(Topic("t", 1, moving, offline)).With(Topic("a", 2, Plain(0))).With(Topic("z", 3, Plain(0), Plain(1), Plain(2)));
    }

    private static PartitionImage Plain(int index) => new(index, [One, Two], [One, Two], [], One, new LeaderEpoch(0), 0);

    private static TopicImage Topic(string name, int id, params ImmutableArray<PartitionImage> partitions) =>
        new(new TopicId(new Guid(id, 0, 0, new byte[8])), name, partitions, ImmutableSortedDictionary<string, string>.Empty);

    private TResponse Ask<TResponse>(IRequest request, int maxResponseBytes = int.MaxValue)
    {
        _endpoint.Tell(new ApiRequest(1, "test", maxResponseBytes, request), TestActor);
        return Assert.IsType<TResponse>(ExpectMsg<ApiResponse>(Deadline).Body);
    }

    private TResponse AskController<TResponse, TCommand>(IRequest request, Func<TCommand, object> answer)
    {
        _endpoint.Tell(new ApiRequest(1, "test", int.MaxValue, request), TestActor);
        var command = _controller.ExpectMsg<TCommand>(Deadline);
        _controller.Reply(answer(command));
        return Assert.IsType<TResponse>(ExpectMsg<ApiResponse>(Deadline).Body);
    }
}
