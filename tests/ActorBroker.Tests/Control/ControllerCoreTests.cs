using System.Collections.Immutable;
using ActorBroker.Control;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Tests.Control;

/// <summary>Decisions of the controller as tables: metadata and command in, events and answers out. No actors.</summary>
public class ControllerCoreTests
{
    private const long LogEnd = 7; // entries before the first command, as EpochStarted entries leave them
    private readonly ControllerCore _core;
    private MetadataImage _image = MetadataImage.Empty;
    private long _sequence = LogEnd;
    private int _ids;

    public ControllerCoreTests() => _core = new ControllerCore(
        new ControllerOptions(
            DefaultPartitions: 1, DefaultReplicationFactor: 3, MaxPartitionsPerTopic: 100, SessionTimeout: TimeSpan.FromSeconds(4),
            LeaderImbalanceCheckInterval: null, LeaderImbalancePercentage: 10, EventsBetweenImages: 10_000, InternalReplicationFactor: 3),
        TopicDefaults.Standard,
        newId: () => new Guid(++_ids, 0, 0, new byte[8]),
        nextRandom: () => 0);

    [Fact]
    public void Producer_ids_are_allotted_in_blocks_to_registered_brokers_and_each_once()
    {
        var epoch = Assert.IsType<BrokerAccepted>(Do(Register(1))).BrokerEpoch;
        Assert.Equal(new ProducerIdBlock(0, 1000, ErrorCode.None), Do(new AllocateProducerIds(new BrokerId(1), epoch)));
        Assert.Equal(new ProducerIdBlock(1000, 1000, ErrorCode.None), Do(new AllocateProducerIds(new BrokerId(1), epoch)));
        Assert.Equal(ErrorCode.StaleBrokerEpoch, Assert.IsType<ProducerIdBlock>(Do(new AllocateProducerIds(new BrokerId(1), epoch - 1))).Error);
        Assert.Equal(ErrorCode.StaleBrokerEpoch, Assert.IsType<ProducerIdBlock>(Do(new AllocateProducerIds(new BrokerId(2), epoch))).Error);
        Assert.Equal(2000, _image.NextProducerId);
    }

    [Fact]
    public void The_first_broker_forms_the_cluster_and_is_active_once_it_serves_the_metadata_of_its_registration()
    {
        var accepted = Assert.IsType<BrokerAccepted>(Do(Register(1)));
        Assert.Equal(_image.ClusterId, accepted.ClusterId);
        Assert.Equal(LogEnd + 2, accepted.BrokerEpoch); // behind ClusterFormed
        var broker = _image.Brokers[new BrokerId(1)];
        Assert.Equal(accepted.BrokerEpoch, broker.Epoch);
        Assert.True(broker.Fenced);
        Do(new BrokerHeartbeat(broker.Id, broker.Epoch, MetadataVersion: broker.Epoch - 1, WantsShutdown: false));
        Assert.True(_image.Brokers[broker.Id].Fenced);
        var answer = Assert.IsType<HeartbeatAnswered>(Do(new BrokerHeartbeat(broker.Id, broker.Epoch, broker.Epoch, WantsShutdown: false)));
        Assert.False(answer.IsFenced);
        Assert.False(_image.Brokers[broker.Id].Fenced);
    }

    [Fact]
    public void A_broker_of_another_cluster_is_refused()
    {
        Do(Register(1, cluster: "one"));
        var refused = Assert.IsType<BrokerRefused>(Do(Register(2, cluster: "two")));
        Assert.Contains("two", refused.Reason, StringComparison.Ordinal);
        Assert.Single(_image.Brokers);
    }

    [Fact]
    public void A_restarted_leader_leads_under_a_new_leader_epoch()
    {
        var before = Start(1);
        Create("t", partitions: 2);
        var again = (BrokerAccepted)Do(Register(1));
        Assert.True(again.BrokerEpoch > before);
        Assert.All(Topic("t").Partitions, partition => Assert.Null(partition.Leader));
        Beat(1);
        Assert.All(Topic("t").Partitions, partition => Assert.Equal((new BrokerId(1), 2), (partition.Leader, partition.LeaderEpoch.Value)));
    }

    [Fact]
    public void A_registration_whose_answer_was_lost_is_answered_again()
    {
        var register = Register(1);
        var first = Do(register);
        Assert.Equal(first, Do(register));
        Assert.Equal(2, _history.Count);
    }

    [Theory]
    [InlineData("", 1, 1, ErrorCode.InvalidTopicException)]
    [InlineData("..", 1, 1, ErrorCode.InvalidTopicException)]
    [InlineData("a/b", 1, 1, ErrorCode.InvalidTopicException)]
    [InlineData("t", 0, 1, ErrorCode.InvalidPartitions)]
    [InlineData("t", 101, 1, ErrorCode.InvalidPartitions)]
    [InlineData("t", 1, 0, ErrorCode.InvalidReplicationFactor)]
    [InlineData("t", 1, 2, ErrorCode.InvalidReplicationFactor)]
    public void A_topic_that_can_not_be_is_refused_and_leaves_nothing(string name, int partitions, int factor, ErrorCode expected)
    {
        Start(1);
        var result = Create(name, partitions, factor);
        Assert.Equal(expected, result.Error);
        Assert.NotEmpty(result.Message!);
        Assert.Empty(_image.TopicsByName);
    }

    [Fact]
    public void The_default_replication_factor_is_three_or_as_many_as_there_are_brokers()
    {
        Start(1);
        Create("one", factor: -1);
        Assert.Single(Topic("one").Partitions[0].Replicas);
        for (var id = 2; id <= 5; id++) Start(id);
        Create("three", factor: -1);
        Assert.Equal(3, Topic("three").Partitions[0].Replicas.Length);
    }

    [Fact]
    public void Names_that_differ_in_case_or_in_dot_and_underscore_collide()
    {
        Start(1);
        Create("my.topic");
        Assert.Equal(ErrorCode.TopicAlreadyExists, Create("my.topic").Error);
        Assert.Equal(ErrorCode.InvalidTopicException, Create("my_topic").Error);
        Assert.Equal(ErrorCode.InvalidTopicException, Create("My.topic").Error);
    }

    [Fact]
    public void A_deleted_topic_frees_its_name_and_a_new_one_has_another_id()
    {
        Start(1);
        Create("t");
        var old = Topic("t").Id;
        Assert.Equal(ErrorCode.None, Delete("t").Error);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Delete("t").Error);
        Create("t");
        Assert.NotEqual(old, Topic("t").Id);
    }

    [Theory]
    [InlineData("retention.ms", "-2", "at least -1")]
    [InlineData("retention.ms", "soon", "whole number")]
    [InlineData("cleanup.policy", "compact,compact", "delete, compact or compact,delete")]
    [InlineData("cleanup.policy", "", "delete, compact or compact,delete")]
    [InlineData("min.cleanable.dirty.ratio", "1.5", "from 0 to 1")]
    [InlineData("max.compaction.lag.ms", "0", "at least 1")]
    [InlineData("retention.msec", "1", "Unknown topic config name: retention.msec")]
    [InlineData("min.insync.replicas", "2", "replication factor 1")]
    public void A_bad_configuration_is_refused_with_its_reason_at_creation_and_change(string key, string value, string reason)
    {
        Start(1);
        var created = ((TopicResults)Do(new CreateTopics([new NewTopic("bad", 1, 1, [], [new(key, value)])], ValidateOnly: false))).Results[0];
        Create("good");
        var altered = ((TopicResults)Do(new AlterTopicConfigs([new TopicConfigChanges("good", [new ConfigChange(key, value)])], ValidateOnly: false))).Results[0];
        foreach (var result in new[] { created, altered })
        {
            Assert.Equal(ErrorCode.InvalidConfig, result.Error);
            Assert.Contains(reason, result.Message, StringComparison.Ordinal);
        }

        Assert.Empty(Topic("good").Overrides);
    }

    [Fact]
    public void Compaction_lags_that_contradict_each_other_are_refused_at_creation_and_change()
    {
        Start(1);
        var created = ((TopicResults)Do(new CreateTopics(
            [new NewTopic("bad", 1, 1, [], [new("min.compaction.lag.ms", "1000"), new("max.compaction.lag.ms", "999")])], ValidateOnly: false))).Results[0];
        Create("good");
        Alter("good", ("max.compaction.lag.ms", "1000"), ("cleanup.policy", "delete,compact"));
        var altered = ((TopicResults)Do(new AlterTopicConfigs([new TopicConfigChanges("good", [new ConfigChange("min.compaction.lag.ms", "1001")])], ValidateOnly: false))).Results[0];
        foreach (var result in new[] { created, altered })
            Assert.Equal((ErrorCode.InvalidConfig, true), (result.Error, result.Message!.Contains("min.compaction.lag.ms=100", StringComparison.Ordinal)));
        var settings = TopicDefaults.Standard.Settings(Topic("good"));
        Assert.Equal((CleanupPolicy.Compact | CleanupPolicy.Delete, TimeSpan.FromSeconds(1)), (settings.Log.CleanupPolicy, settings.Log.MaxCompactionLag));
    }

    [Fact]
    public void Configuration_is_set_and_taken_back()
    {
        Start(1);
        Create("t");
        Alter("t", ("retention.ms", "1000"), ("segment.ms", "500"));
        Alter("t", ("segment.ms", null));
        Assert.Equal([new("retention.ms", "1000")], Topic("t").Overrides);
        Assert.Equal(TimeSpan.FromSeconds(1), TopicDefaults.Standard.Settings(Topic("t")).Log.RetentionTime);
    }

    [Fact]
    public void Partitions_are_added_never_taken_away()
    {
        Start(1);
        Create("t", partitions: 2);
        Assert.Equal(ErrorCode.InvalidPartitions, Add("t", 2).Error);
        Assert.Equal(ErrorCode.None, Add("t", 5).Error);
        Assert.Equal([0, 1, 2, 3, 4], Topic("t").Partitions.Select(partition => partition.Index));
    }

    [Fact]
    public void Validating_only_decides_nothing()
    {
        Start(1);
        var result = ((TopicResults)Do(new CreateTopics([new NewTopic("t", 1, 1, [], [])], ValidateOnly: true))).Results[0];
        Assert.Equal(ErrorCode.None, result.Error);
        Assert.Empty(_image.TopicsByName);
    }

    [Fact]
    public void A_name_twice_in_one_request_is_refused_for_both()
    {
        Start(1);
        var topic = new NewTopic("t", 1, 1, [], []);
        var results = ((TopicResults)Do(new CreateTopics([topic, topic], ValidateOnly: false))).Results;
        Assert.All(results, result => Assert.Equal(ErrorCode.InvalidRequest, result.Error));
    }

    [Fact]
    public void Every_event_survives_its_serializer()
    {
        Start(1);
        Create("t", partitions: 3);
        Alter("t", ("retention.ms", "1000"));
        Add("t", 4);
        Do(Register(1));
        Delete("t");
        var serializer = new ControlEventSerializer(null!);
        var replayed = MetadataImage.Empty;
        foreach (var (sequence, change) in _history)
        {
            var copy = serializer.FromBinary(serializer.ToBinary(change), serializer.Manifest(change));
            replayed = ControllerState.Apply(replayed, (IControlEvent)copy, sequence);
        }

        Assert.Equal(_image.Version, replayed.Version);
        Assert.Equal(_image.ClusterId, replayed.ClusterId);
        Assert.Equal(_image.Brokers[new BrokerId(1)].Epoch, replayed.Brokers[new BrokerId(1)].Epoch);
        Assert.Equal(_image.TopicsByName.Count, replayed.TopicsByName.Count);
    }

    [Fact]
    public void An_event_of_a_newer_release_is_refused_by_name()
    {
        var fault = Assert.Throws<System.Runtime.Serialization.SerializationException>(() => new ControlEventSerializer(null!).FromBinary("{}"u8.ToArray(), "TopicCreated:2"));
        Assert.Contains("TopicCreated:2", fault.Message, StringComparison.Ordinal);
    }

    private readonly List<(long Sequence, IControlEvent Change)> _history = [];

    private object Do(ICommand command)
    {
        var decision = _core.Decide(_image, _sequence, command);
        foreach (var change in decision.Events)
        {
            _image = ControllerState.Apply(_image, change, ++_sequence);
            _history.Add((_sequence, change));
        }

        Assert.Equal(_sequence == LogEnd ? 0 : _sequence, decision.Image.Version);
        return decision.Reply!;
    }

    /// <summary>A new process of the broker, until it is active.</summary>
    private long Start(int id)
    {
        Do(Register(id));
        return Beat(id);
    }

    private long Beat(int id)
    {
        var broker = _image.Brokers[new BrokerId(id)];
        Do(new BrokerHeartbeat(broker.Id, broker.Epoch, _image.Version, WantsShutdown: false));
        return broker.Epoch;
    }

    private RegisterBroker Register(int id, string cluster = "one") => new(
        new BrokerId(id), new Guid(++_ids, 1, 1, new byte[8]), new DirectoryId(new Guid(id, 2, 2, new byte[8])), new ClusterId(cluster), Rack: null,
        [new BrokerEndpoint("AKKA", "127.0.0.1", 4053, "AKKA")], CleanShutdown: true, BootId: null);

    private TopicResult Create(string name, int partitions = 1, int factor = 1) =>
        ((TopicResults)Do(new CreateTopics([new NewTopic(name, partitions, factor, [], [])], ValidateOnly: false))).Results[0];

    private TopicResult Delete(string name) => ((TopicResults)Do(new DeleteTopics([new TopicReference(name, TopicId.None)]))).Results[0];

    private TopicResult Add(string name, int count) =>
        ((TopicResults)Do(new AddPartitions([new MorePartitions(name, count, [])], ValidateOnly: false))).Results[0];

    private void Alter(string name, params (string Key, string? Value)[] changes)
    {
        var result = ((TopicResults)Do(new AlterTopicConfigs([new TopicConfigChanges(name, [.. changes.Select(change => new ConfigChange(change.Key, change.Value))])], ValidateOnly: false))).Results[0];
        Assert.Equal(ErrorCode.None, result.Error);
    }

    private TopicImage Topic(string name) => _image.FindTopic(name)!;
}
