using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Control;

/// <summary>
/// The controller's durable state is the metadata image itself: applying an event to an image gives the next one, on
/// the controller (live and on recovery) and later on every broker that follows its log. An event that does not fit
/// the image is a broken invariant, since events are decided against the image they are applied to.
/// </summary>
internal static class ControllerState
{
    /// <param name="sequence">The event's number in the controller's log; becomes the image's version.</param>
    public static MetadataImage Apply(MetadataImage image, IControlEvent change, long sequence)
    {
        Invariant.Check(sequence > image.Version, "controller events are applied in order");
        var next = change switch
        {
            ClusterFormed e => OnClusterFormed(image, e),
            BrokerRegistered e => OnBrokerRegistered(image, e, sequence),
            BrokerFencingChanged e => image.With(Broker(image, e.BrokerId, e.BrokerEpoch) with { Fenced = e.Fenced }),
            BrokerStopping e => image.With(Broker(image, e.BrokerId, e.BrokerEpoch) with { InControlledShutdown = true }),
            BrokerRemoved e => image with { Brokers = image.Brokers.Remove(Broker(image, e.BrokerId, e.BrokerEpoch).Id) },
            TopicCreated e => OnTopicCreated(image, e),
            PartitionsAdded e => OnPartitionsAdded(image, e),
            PartitionChanged e => OnPartitionChanged(image, e),
            TopicConfigChanged e => OnTopicConfigChanged(image, e),
            TopicDeleted e => image.Without(Topic(image, e.TopicId)),
            ProducerIdsAllocated e => OnProducerIdsAllocated(image, e),
            _ => throw new InvariantException($"controller event {change.GetType().Name} has no rule"),
        };
        return next with { Version = sequence };
    }

    private static MetadataImage OnClusterFormed(MetadataImage image, ClusterFormed e)
    {
        Invariant.Check(image.ClusterId is null, "a cluster is formed once");
        return image with { ClusterId = new ClusterId(e.ClusterId), FeatureLevel = e.FeatureLevel };
    }

    private static MetadataImage OnBrokerRegistered(MetadataImage image, BrokerRegistered e, long sequence)
    {
        var id = new BrokerId(e.BrokerId);
        return image.With(new BrokerImage(id, sequence, e.Incarnation, new DirectoryId(e.Directory), e.Rack, e.Endpoints, Fenced: true) { BootId = e.BootId });
    }

    private static MetadataImage OnTopicCreated(MetadataImage image, TopicCreated e)
    {
        Invariant.Check(!image.TopicsByName.ContainsKey(e.Name), "a topic's name is free when it is created");
        return image.With(new TopicImage(new TopicId(e.TopicId), e.Name, Partitions(e.Partitions, 0), e.Configs.WithComparers(StringComparer.Ordinal)));
    }

    private static MetadataImage OnPartitionsAdded(MetadataImage image, PartitionsAdded e)
    {
        var topic = Topic(image, e.TopicId);
        Invariant.Check(topic.Partitions.Length == e.FirstIndex, "partitions are added at the end");
        return image.With(topic with { Partitions = topic.Partitions.AddRange(Partitions(e.Partitions, e.FirstIndex)) });
    }

    private static MetadataImage OnPartitionChanged(MetadataImage image, PartitionChanged e)
    {
        var topic = Topic(image, e.TopicId);
        var old = topic.Partitions[e.Index];
        Invariant.Check(e.PartitionEpoch == old.PartitionEpoch + 1, "partition epochs grow by one");
        Invariant.Check(e.LeaderEpoch >= old.LeaderEpoch.Value, "leader epochs never fall");
        return image.With(topic.With(new PartitionImage(
            e.Index, Ids(e.Replicas), Ids(e.Isr), Ids(e.EligibleLeaders),
            Id(e.Leader), new LeaderEpoch(e.LeaderEpoch), e.PartitionEpoch)
        {
            LastKnownLeader = Id(e.LastKnownLeader),
            AddingReplicas = Ids(e.AddingReplicas),
            RemovingReplicas = Ids(e.RemovingReplicas),
        }));
    }

    private static MetadataImage OnTopicConfigChanged(MetadataImage image, TopicConfigChanged e)
    {
        var topic = Topic(image, e.TopicId);
        var configs = topic.Overrides.ToBuilder();
        foreach (var (key, value) in e.Changes)
        {
            if (value is null) configs.Remove(key);
            else configs[key] = value;
        }

        return image.With(topic with { Overrides = configs.ToImmutable() });
    }

    private static MetadataImage OnProducerIdsAllocated(MetadataImage image, ProducerIdsAllocated e)
    {
        Invariant.Check(e.First == image.NextProducerId && e.Count > 0, "producer ids are allotted in order, each once");
        return image with { NextProducerId = checked(e.First + e.Count) };
    }

    private static ImmutableArray<PartitionImage> Partitions(ImmutableArray<PartitionAssignment> assignments, int firstIndex)
    {
        var partitions = ImmutableArray.CreateBuilder<PartitionImage>(assignments.Length);
        foreach (var assignment in assignments)
        {
            partitions.Add(new PartitionImage(
                firstIndex + partitions.Count, Ids(assignment.Replicas), Ids(assignment.Isr), [],
                new BrokerId(assignment.Leader), new LeaderEpoch(0), PartitionEpoch: 0));
        }

        return partitions.MoveToImmutable();
    }

    private static BrokerId? Id(int value) => value < 0 ? null : new BrokerId(value);

    private static ImmutableArray<BrokerId> Ids(ImmutableArray<int> values) => [.. values.Select(value => new BrokerId(value))];

    private static BrokerImage Broker(MetadataImage image, int id, long epoch)
    {
        Invariant.Check(image.Brokers.TryGetValue(new BrokerId(id), out var broker) && broker.Epoch == epoch, "events name registered brokers and their epoch");
        return broker!;
    }

    private static TopicImage Topic(MetadataImage image, Guid id)
    {
        var topic = image.FindTopic(new TopicId(id));
        Invariant.Check(topic is not null, "a topic exists while events name it");
        return topic!;
    }
}
