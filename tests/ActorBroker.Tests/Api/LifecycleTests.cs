using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using Akka.TestKit.Xunit2;

namespace ActorBroker.Tests.Api;

/// <summary>Partitions come, change and go as the metadata says.</summary>
public sealed class LifecycleTests : TestKit
{
    private readonly DataPath _node;

    public LifecycleTests() : base(DataPath.Config) => _node = new DataPath(this);

    [Fact]
    public void A_deleted_topic_is_gone_from_disk_and_its_name_is_free()
    {
        var topic = _node.CreateTopic("flights", partitions: 2);
        _node.AskProduce("flights", _node.Batch("old"));
        _node.DeleteTopic(topic);
        Assert.DoesNotContain(_node.Files.ListDirectories(DataPath.Folder), name => name.StartsWith("flights", StringComparison.Ordinal));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, _node.AskProduce("flights", _node.Batch("a")).ErrorCode);

        _node.CreateTopic("flights");
        Assert.Empty(_node.ReadAll("flights"));
        Assert.Equal(0, _node.AskProduce("flights", _node.Batch("new")).BaseOffset);
    }

    [Fact]
    public void A_topic_deleted_and_made_anew_in_one_step_starts_empty()
    {
        var topic = _node.CreateTopic("flights");
        _node.AskProduce("flights", _node.Batch("old"));
        var next = topic with { Id = new TopicId(new Guid(99, 0, 0, new byte[8])) };
        _node.Publish(_node.Image.Without(topic).With(next) with { Version = _node.Image.Version + 1 });
        Assert.Empty(_node.ReadAll("flights"));
        Assert.Equal(0, _node.AskProduce("flights", _node.Batch("new")).BaseOffset);
    }

    [Fact]
    public void A_topic_deleted_while_the_node_was_down_does_not_come_back_under_its_successors_name()
    {
        var topic = _node.CreateTopic("flights");
        _node.AskProduce("flights", _node.Batch("old"));
        _node.Crash();
        var next = topic with { Id = new TopicId(new Guid(99, 0, 0, new byte[8])) };
        var image = _node.Image.Without(topic).With(next) with { Version = _node.Image.Version + 1 };
        _node.Start(image);
        Assert.Empty(_node.ReadAll("flights"));
    }

    /// <summary>Metadata that lost a topic by mistake must not cost the records too.</summary>
    [Fact]
    public void Folders_of_unknown_topics_are_left_alone()
    {
        var topic = _node.CreateTopic("flights");
        _node.AskProduce("flights", _node.Batch("old"));
        Assert.True(_node.StopCleanly());
        var with = _node.Image;
        _node.Start(with.Without(topic) with { Version = with.Version + 1 });
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, _node.AskFetch("flights", 0).ErrorCode);
        _node.Publish(with with { Version = with.Version + 2 });
        Assert.Equal([(0, "old")], _node.ReadAll("flights"));
    }

    [Fact]
    public void Settings_take_effect_while_the_partition_serves()
    {
        var topic = _node.CreateTopic("flights");
        var batch = _node.Batch(new string('x', 500));
        Assert.Equal(ErrorCode.None, _node.AskProduce("flights", batch).ErrorCode);
        _node.Change(topic with { Overrides = ImmutableSortedDictionary<string, string>.Empty.Add("max.message.bytes", "300") });
        ProducesUntil(ErrorCode.MessageTooLarge, ErrorCode.None);
        _node.Change(topic);
        ProducesUntil(ErrorCode.None, ErrorCode.MessageTooLarge);

        // The partition and its log hear of it one after the other; a client must not see the two disagree.
        void ProducesUntil(ErrorCode becomes, ErrorCode was)
        {
            for (var deadline = DateTime.UtcNow.AddSeconds(20); ;)
            {
                var error = _node.AskProduce("flights", batch).ErrorCode;
                if (error == becomes) return;
                Assert.Equal(was, error);
                Assert.True(DateTime.UtcNow < deadline, $"still {was}");
            }
        }
    }

    /// <summary>A topic is altered right after its creation, while most of its logs still open: they serve with the newer settings.</summary>
    [Fact]
    public void Settings_that_change_while_logs_open_take_effect()
    {
        var topic = DataPath.Topic("flights", partitions: 100) with { Overrides = ImmutableSortedDictionary<string, string>.Empty.Add("max.message.bytes", "300") };
        var image = _node.Image.With(topic) with { Version = _node.Image.Version + 1 };
        _node.Announce(image);
        _node.Publish(image.With(topic with { Overrides = ImmutableSortedDictionary<string, string>.Empty }) with { Version = image.Version + 1 });
        var batch = _node.Batch(new string('x', 500));
        for (var partition = 0; partition < 100; partition++)
            Assert.Equal(ErrorCode.None, _node.AskProduce("flights", batch, partition: partition).ErrorCode);
    }

    [Fact]
    public void A_partition_that_another_broker_leads_is_not_served_here()
    {
        var topic = _node.CreateTopic("flights");
        var led = topic.Partitions[0] with { Replicas = [DataPath.Self, new BrokerId(2)], Leader = new BrokerId(2), LeaderEpoch = new LeaderEpoch(1), PartitionEpoch = 1 };
        _node.Change(topic.With(led));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, _node.AskProduce("flights", _node.Batch("a")).ErrorCode);
        AwaitCondition(() => _node.AskFetch("flights", 0).ErrorCode == ErrorCode.NotLeaderOrFollower, TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(20));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, _node.AskOffset("flights", -1).ErrorCode);
    }

    [Fact]
    public void A_partition_that_is_not_open_yet_is_a_retriable_matter()
    {
        _node.Files.FailNext(FileOperation.Open, "flights-0", times: 1000);
        _node.CreateTopic("flights"); // completes although the partition could not be opened
        Assert.Equal(ErrorCode.LeaderNotAvailable, _node.AskProduce("flights", _node.Batch("a")).ErrorCode);
        Assert.Equal(ErrorCode.LeaderNotAvailable, _node.AskFetch("flights", 0).ErrorCode);
        _node.Files.StopFailing();
        AwaitCondition(() => _node.AskProduce("flights", _node.Batch("a")).ErrorCode == ErrorCode.None, TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(20));
    }

    [Fact]
    public void Hundreds_of_partitions_open_and_reopen()
    {
        _node.CreateTopic("flights", partitions: 300);
        Assert.Equal(300, _node.Partitions.Count);
        Assert.Equal(0, _node.AskProduce("flights", _node.Batch("a"), partition: 299).BaseOffset);
        Assert.True(_node.StopCleanly());
        _node.Start();
        Assert.Equal(300, _node.Partitions.Count);
        Assert.Equal(1, _node.AskProduce("flights", _node.Batch("b"), partition: 299).BaseOffset);
    }
}
