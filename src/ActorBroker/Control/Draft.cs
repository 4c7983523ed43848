using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;

namespace ActorBroker.Control;

/// <summary>
/// Events decided so far, and the image as it will be once they are stored: what is decided next sees it. One draft is
/// one command's decision, stored as one entry (all or none).
/// </summary>
internal sealed class Draft(MetadataImage image, long lastSequence, TopicDefaults defaults)
{
    private readonly ImmutableArray<IControlEvent>.Builder _events = ImmutableArray.CreateBuilder<IControlEvent>();

    public MetadataImage Image { get; private set; } = image;

    public ImmutableArray<IControlEvent> Events => _events.ToImmutable();

    public void Add(IControlEvent change)
    {
        _events.Add(change);
        Image = ControllerState.Apply(Image, change, lastSequence + _events.Count);
    }

    /// <summary>May lead and be in ISRs.</summary>
    public bool IsActive(BrokerId id) => Image.Brokers.TryGetValue(id, out var broker) && broker.IsActive;

    /// <summary>As it stands, whatever version of the topic the caller holds.</summary>
    public int MinInsyncReplicas(TopicId topic) => defaults.MinInsyncReplicas(Image.FindTopic(topic)!);

    /// <summary>Changes one partition by the rules of <see cref="PartitionPlan"/>.</summary>
    /// <param name="plan">Says what is wanted of it.</param>
    /// <returns>The partition as it will stand; the same when nothing is to change.</returns>
    public PartitionImage Change(TopicId id, int index, Action<PartitionPlan> plan)
    {
        var topic = Image.FindTopic(id)!;
        var now = topic.Partitions[index];
        var minimum = defaults.MinInsyncReplicas(topic);
        var wanted = new PartitionPlan(now, IsActive, minimum, defaults.AllowsUncleanElection(topic));
        plan(wanted);
        if (wanted.Decide(id) is not { } change) return now;
        Add(change);
        if (MinInsyncReplicas(id) != minimum) OnMinInsyncReplicasChanged(id);
        return Image.FindTopic(id)!.Partitions[index];
    }

    /// <summary>
    /// Eligible leaders were judged by the minimum before, so they go, in the entry that changes it. (A default may depend
    /// on the replication factor, which a reassignment can change.)
    /// </summary>
    public void OnMinInsyncReplicasChanged(TopicId topic)
    {
        foreach (var partition in Image.FindTopic(topic)!.Partitions)
            Change(topic, partition.Index, plan => plan.ClearEligible());
    }

    /// <summary>Changes every partition that <paramref name="concerns"/> names, in all topics.</summary>
    public void ChangeAll(Func<PartitionImage, bool> concerns, Action<PartitionPlan> plan)
    {
        foreach (var topic in Image.TopicsByName.Values)
            foreach (var partition in topic.Partitions)
                if (concerns(partition)) Change(topic.Id, partition.Index, plan);
    }
}
