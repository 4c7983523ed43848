using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>Internal topics get their replicas as brokers join; those of users stay as they were made.</summary>
public class InternalTopicsTests
{
    private const string Offsets = "__consumer_offsets";

    [Fact]
    public void A_topic_of_one_node_is_raised_with_every_broker_that_joins_up_to_three_and_its_minimum_follows()
    {
        var script = new ControllerScript(brokers: 1, defaultFactor: 1);
        Create(script, Offsets, partitions: 1, factor: -1);
        Assert.Equal(0, script.RaiseInternalTopics());
        Join(script, 2, "1,2");
        Assert.Equal(1, TopicDefaults.Standard.MinInsyncReplicas(script.Image.FindTopic(Offsets)!));
        Join(script, 3, "1,2,3");
        Assert.Equal(2, TopicDefaults.Standard.MinInsyncReplicas(script.Image.FindTopic(Offsets)!));
        script.Start(4);
        Assert.Equal(0, script.RaiseInternalTopics());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 3)]
    public void Made_without_a_number_it_has_three_replicas_or_as_many_as_there_are_brokers_whatever_others_default_to(int brokers, int factor)
    {
        var script = new ControllerScript(brokers, defaultFactor: 1);
        Create(script, Offsets, partitions: 2, factor: -1);
        Create(script, "users", partitions: 1, factor: -1);
        Assert.Equal((factor, 1), (script.Image.FindTopic(Offsets)!.ReplicationFactor, script.Image.FindTopic("users")!.ReplicationFactor));
    }

    [Fact]
    public void Replicas_and_first_places_are_spread_over_all_brokers()
    {
        var script = new ControllerScript(brokers: 1);
        Create(script, Offsets, partitions: 8, factor: 1);
        for (var id = 2; id <= 4; id++) script.Start(id);
        Assert.Equal(8, script.RaiseInternalTopics());
        var partitions = script.Image.FindTopic(Offsets)!.Partitions;
        Assert.All(partitions, partition => Assert.Equal((3, 2), (partition.Replicas.Length, partition.AddingReplicas.Length)));
        for (var id = 2; id <= 4; id++) Assert.InRange(partitions.Count(partition => partition.Replicas.Contains(new BrokerId(id))), 5, 6);
        for (var id = 1; id <= 4; id++) Assert.InRange(partitions.Count(partition => partition.Replicas[0].Value == id), 1, 3);
    }

    [Fact]
    public void Each_replica_goes_to_a_rack_of_its_own_as_far_as_there_are_racks()
    {
        var script = new ControllerScript(brokers: 0);
        foreach (var (id, rack) in new[] { (1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "c") })
        {
            script.Start(id, rack: rack);
            if (id == 1) Create(script, Offsets, partitions: 6, factor: 1);
        }

        script.RaiseInternalTopics();
        var partitions = script.Image.FindTopic(Offsets)!.Partitions;
        Assert.All(partitions, partition => Assert.Equal(3, partition.Replicas.Select(id => script.Image.Brokers[id].Rack).Distinct().Count()));
        Assert.All([3, 4], id => Assert.Equal(3, partitions.Count(partition => partition.Replicas.Contains(new BrokerId(id)))));
    }

    [Fact]
    public void Nothing_happens_to_users_topics_for_brokers_that_are_fenced_or_twice()
    {
        var script = new ControllerScript(brokers: 1);
        script.Create("users", [1]);
        script.Create(Offsets, [1]);
        script.Start(2);
        script.Fence(2);
        Assert.Equal(0, script.RaiseInternalTopics());
        script.Beat(2);
        Assert.Equal(1, script.RaiseInternalTopics());
        Assert.Equal(0, script.RaiseInternalTopics());
        Assert.Single(script.Partition("users").Replicas);
    }

    [Fact]
    public void A_broker_that_goes_before_it_has_the_copy_is_replaced_once_there_is_another()
    {
        var script = new ControllerScript(brokers: 1);
        script.Create(Offsets, [1]);
        script.Start(2);
        script.RaiseInternalTopics();
        script.Fence(2);
        Assert.Equal(0, script.RaiseInternalTopics());
        script.Start(3);
        Assert.Equal(1, script.RaiseInternalTopics());
        Assert.Equal([3], script.Partition(Offsets).AddingReplicas.Select(id => id.Value));
        script.Start(2);
        // Both: the third is added to what is under way.
        Assert.Equal(1, script.RaiseInternalTopics());
        Assert.Equal([1, 2, 3], script.Partition(Offsets).Replicas.Select(id => id.Value).Order());
    }

    [Fact]
    public void What_somebody_is_moving_is_left_alone()
    {
        var script = new ControllerScript(brokers: 4);
        script.Create(Offsets, [1]);
        Assert.Equal(ErrorCode.None, script.Reassign(Offsets, 2));
        Assert.Equal(0, script.RaiseInternalTopics());
        script.Propose(Offsets, [1, 2]);
        Assert.Equal("2 / 2 / ", script.Standing(Offsets));
        Assert.Equal(1, script.RaiseInternalTopics());
    }

    /// <summary>It joins, is given replicas, and catches up.</summary>
    private static void Join(ControllerScript script, int id, string expected)
    {
        script.Start(id);
        Assert.Equal(1, script.RaiseInternalTopics());
        var replicas = script.Partition(Offsets).Replicas;
        Assert.Equal([id], script.Partition(Offsets).AddingReplicas.Select(added => added.Value));
        script.Propose(Offsets, [.. replicas.Select(replica => replica.Value)]);
        Assert.False(script.Partition(Offsets).IsReassigning);
        Assert.Equal(expected, string.Join(',', script.Partition(Offsets).Replicas.Order()));
    }

    private static void Create(ControllerScript script, string name, int partitions, int factor) => Assert.Equal(
        ErrorCode.None, script.Topics(new CreateTopics([new NewTopic(name, partitions, factor, [], [])], ValidateOnly: false)).Error);
}
