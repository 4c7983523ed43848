using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>Which ISRs are taken from whom (KIP-497, 841, 903), how partitions move (KIP-455), and where new ones are placed.</summary>
public class IsrAndReassignmentTests
{
    [Fact]
    public void A_proposal_holds_only_for_the_standing_it_was_made_against()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        var basis = script.Partition("t");
        IsrMember Member(int id) => new(new BrokerId(id), script.Epoch(id));
        var all = (int[])[1, 2, 3];
        ErrorCode Try(PartitionImage on, int proposer, params int[] isr) => script.Propose("t", proposer, on, [.. isr.Select(Member)]).Error;

        Assert.Equal(ErrorCode.NotController, Try(basis with { PartitionEpoch = 1 }, 1, all));
        Assert.Equal(ErrorCode.NotController, Try(basis with { LeaderEpoch = new LeaderEpoch(1) }, 1, all));
        Assert.Equal(ErrorCode.InvalidRequest, Try(basis, 2, all)); // does not lead
        Assert.Equal(ErrorCode.InvalidRequest, Try(basis, 1, 2, 3)); // not in it
        Assert.Equal(ErrorCode.InvalidRequest, Try(basis, 1, 1, 1));
        Assert.Equal(ErrorCode.InvalidRequest, script.Propose("t", 1, basis, [Member(1), new IsrMember(new BrokerId(9), -1)]).Error);
        Assert.Equal(basis, script.Partition("t"));

        var shrunk = script.Propose("t", 1, basis, [Member(1), Member(2)]);
        Assert.Equal((ErrorCode.None, 1), (shrunk.Error, shrunk.Now!.PartitionEpoch));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, Try(basis, 1, all));
        Assert.Equal("1,2", string.Join(',', script.Propose("t", 1, basis, [Member(1)]).Now!.Isr)); // a refusal says how it stands
        script.Fence(1);
        Assert.Equal(ErrorCode.FencedLeaderEpoch, Try(shrunk.Now, 1, 1));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Try(basis with { Index = 1 }, 1, all));
    }

    [Fact]
    public void Only_live_members_under_the_epoch_they_fetched_with_are_taken()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        script.Fence(3);
        Assert.Equal(ErrorCode.IneligibleReplica, script.Propose("t", [1, 2, 3]).Error);
        var fetched = new IsrMember(new BrokerId(3), script.Epoch(3));
        script.Start(3, clean: false, boot: "another");
        var self = new IsrMember(new BrokerId(1), script.Epoch(1));
        Assert.Equal(ErrorCode.IneligibleReplica, script.Propose("t", 1, script.Partition("t"), [self, fetched]).Error);
        Assert.Equal(ErrorCode.None, script.Propose("t", [1, 2, 3]).Error);
    }

    [Fact]
    public void A_partition_moves_once_all_its_new_replicas_are_in_sync()
    {
        var script = new ControllerScript(brokers: 5);
        script.Create("t", [1, 2, 3]);
        Assert.Equal(ErrorCode.None, script.Reassign("t", 5, 4, 3));
        var moving = script.Partition("t");
        Assert.Equal<BrokerId>(Ids(5, 4, 3, 1, 2), moving.Replicas);
        Assert.Equal<BrokerId>(Ids(5, 4), moving.AddingReplicas);
        Assert.Equal<BrokerId>(Ids(1, 2), moving.RemovingReplicas);
        Assert.Equal("1 / 3,1,2 / ", script.Standing("t"));
        Assert.Equal(3, script.Image.FindTopic("t")!.ReplicationFactor);

        Assert.Equal(ErrorCode.None, script.Propose("t", [1, 2, 3, 4]).Error);
        Assert.True(script.Partition("t").IsReassigning);
        Assert.Equal(ErrorCode.NewLeaderElected, script.Propose("t", [1, 2, 3, 4, 5]).Error);
        Assert.Equal("5 / 5,4,3 / ", script.Standing("t"));
        Assert.Equal<BrokerId>(Ids(5, 4, 3), script.Partition("t").Replicas);
        Assert.False(script.Partition("t").IsReassigning);
    }

    [Fact]
    public void A_move_is_cancelled_or_replaced_by_another()
    {
        var script = new ControllerScript(brokers: 5);
        script.Create("t", [1, 2, 3]);
        Assert.Equal(ErrorCode.NoReassignmentInProgress, script.Reassign("t"));
        script.Reassign("t", 4, 2, 3);
        script.Propose("t", [1, 2, 4]);
        script.Reassign("t", 5, 2, 3);
        Assert.Equal<BrokerId>(Ids(5, 2, 3, 1), script.Partition("t").Replicas);
        Assert.Equal<BrokerId>(Ids(5), script.Partition("t").AddingReplicas);
        Assert.Equal("1 / 2,1 / ", script.Standing("t"));
        Assert.Equal(ErrorCode.None, script.Reassign("t"));
        Assert.Equal([1, 2, 3], script.Partition("t").Replicas.Select(id => id.Value).Order());
        Assert.False(script.Partition("t").IsReassigning);
    }

    [Fact]
    public void A_move_that_would_drop_all_who_are_in_sync_is_refused()
    {
        var script = new ControllerScript(brokers: 4);
        script.Create("t", [1, 2], ("min.insync.replicas", "1"));
        script.Reassign("t", 3, 4);
        script.Propose("t", [1, 2, 3]);
        script.Fence(2);
        script.Fence(1);
        Assert.Equal("3 / 3 / ", script.Standing("t"));
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, script.Reassign("t"));
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, script.Reassign("t", 1, 9));
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, script.Reassign("t", 1, 1));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, script.Reassign("u", 1));
    }

    [Fact]
    public void Only_another_order_takes_effect_at_once()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2, 3]);
        script.Reassign("t", 3, 1, 2);
        Assert.False(script.Partition("t").IsReassigning);
        Assert.Equal("1 / 3,1,2 / ", script.Standing("t"));
        Assert.Equal(ErrorCode.None, script.Elect(ElectionKind.Preferred, "t"));
        Assert.Equal("3 / 3,1,2 / ", script.Standing("t"));
    }

    [Fact]
    public void The_default_minimum_follows_the_replication_factor_when_the_move_is_complete_and_not_before()
    {
        var script = new ControllerScript(brokers: 3);
        script.Create("t", [1, 2]);
        int Minimum() => TopicDefaults.Standard.MinInsyncReplicas(script.Image.FindTopic("t")!);
        script.Reassign("t", 1, 2, 3);
        Assert.Equal(1, Minimum());
        script.Propose("t", [1, 2, 3]);
        Assert.Equal(2, Minimum());
        script.Fence(2, 3);
        Assert.Equal("1 / 1 / 3", script.Standing("t"));
        script.Reassign("t", 1);
        Assert.Equal(1, Minimum());
        Assert.Equal("1 / 1 / ", script.Standing("t"));
    }

    [Fact]
    public void A_topic_made_while_a_broker_is_away_has_all_its_replicas()
    {
        var script = new ControllerScript(brokers: 3);
        script.Fence(2);
        Assert.Equal(ErrorCode.None, script.Topics(new CreateTopics([new NewTopic("t", 6, 3, [], [])], ValidateOnly: false)).Error);
        Assert.All(script.Image.FindTopic("t")!.Partitions, partition =>
        {
            Assert.Equal([1, 2, 3], partition.Replicas.Select(id => id.Value).Order());
            Assert.Equal([1, 3], partition.Isr.Select(id => id.Value).Order());
            Assert.NotEqual(new BrokerId(2), partition.Replicas[0]);
        });
        Assert.Equal(ErrorCode.InvalidReplicationFactor, script.Topics(new CreateTopics([new NewTopic("u", 1, 4, [], [])], ValidateOnly: false)).Error);
        script.Fence(1, 3);
        Assert.Equal(ErrorCode.InvalidReplicationFactor, script.Topics(new CreateTopics([new NewTopic("u", 1, 1, [], [])], ValidateOnly: false)).Error);
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, script.Topics(new CreateTopics([new NewTopic("u", -1, -1, [[new BrokerId(1)]], [])], ValidateOnly: false)).Error);
    }

    private static BrokerId[] Ids(params int[] ids) => [.. ids.Select(id => new BrokerId(id))];
}
