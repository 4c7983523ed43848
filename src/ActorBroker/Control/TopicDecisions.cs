using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Topics are made, changed and deleted. Replicas are placed on active brokers; where those don't suffice, fenced ones are
/// taken as followers, so that a topic made while a broker restarts has the replicas it asked for.
/// </summary>
internal sealed class TopicDecisions(ControllerOptions options, Func<Guid> newId, Func<int> nextRandom)
{
    public TopicResults OnCreate(Draft draft, CreateTopics create) => new([.. create.Topics.Select(topic => OnCreate(draft, topic, create.Topics))]);

    public TopicResults OnAddPartitions(Draft draft, AddPartitions add) => new([.. add.Topics.Select(more => OnAddPartitions(draft, more))]);

    public static TopicResults OnDelete(Draft draft, DeleteTopics delete) => new([.. delete.Topics.Select(topic => OnDelete(draft, topic.Name, topic.Id))]);

    public static TopicResults OnAlter(Draft draft, AlterTopicConfigs alter) => new([.. alter.Topics.Select(change => OnAlter(draft, change))]);

    private TopicResult OnCreate(Draft draft, NewTopic topic, ImmutableArray<NewTopic> all)
    {
        if (all.Count(other => other.Name == topic.Name) > 1)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidRequest, $"Topic '{topic.Name}' appears more than once in the request.");
        if (NameFault(topic.Name) is { } nameFault)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidTopicException, nameFault);
        if (draft.Image.FindTopic(topic.Name) is not null)
            return TopicResult.Refused(topic.Name, ErrorCode.TopicAlreadyExists, $"Topic '{topic.Name}' already exists.");
        if (draft.Image.TopicsByName.Keys.FirstOrDefault(existing => TopicName.Collides(existing, topic.Name)) is { } rival)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidTopicException, $"Topic '{topic.Name}' collides with topic '{rival}': names that differ only in case, or in '.' and '_', can't live together.");

        var configs = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in topic.Configs)
        {
            if (value is null) continue;
            if (TopicConfigCatalog.Fault(key, value) is { } fault)
                return TopicResult.Refused(topic.Name, ErrorCode.InvalidConfig, fault);
            configs[key] = value;
        }

        if (TopicConfigCatalog.Conflict(configs) is { } conflict)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidConfig, conflict);
        if (PlanPartitions(draft.Image, topic, out var plan) is { } refusal) return refusal;
        if (MinInsyncFault(configs, plan[0].Replicas.Length) is { } minInsyncFault)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidConfig, minInsyncFault);
        draft.Add(new TopicCreated(newId(), topic.Name, plan, configs.ToImmutable()));
        return new TopicResult(topic.Name, ErrorCode.None, null, draft.Image.FindTopic(topic.Name));
    }

    private TopicResult? PlanPartitions(MetadataImage image, NewTopic topic, out ImmutableArray<PartitionAssignment> plan)
    {
        plan = [];
        if (!topic.Assignments.IsEmpty)
            return PlanByHand(image, topic.Name, topic.Assignments, out plan);

        var partitions = topic.Partitions == -1 ? options.DefaultPartitions : topic.Partitions;
        if (partitions < 1 || partitions > options.MaxPartitionsPerTopic)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidPartitions, $"Topic '{topic.Name}' asks for {partitions} partitions: the number must be from 1 to {options.MaxPartitionsPerTopic}.");
        var standard = TopicImage.IsInternalName(topic.Name) ? options.InternalReplicationFactor : options.DefaultReplicationFactor;
        var factor = topic.ReplicationFactor == -1 ? Math.Min(standard, image.Brokers.Count) : topic.ReplicationFactor;
        return Place(image, topic.Name, partitions, factor, firstIndex: 0, out plan);
    }

    private static TopicResult? PlanByHand(
        MetadataImage image, string topic, ImmutableArray<ImmutableArray<BrokerId>> assignments, out ImmutableArray<PartitionAssignment> plan)
    {
        plan = [];
        var factor = assignments[0].Length;
        foreach (var replicas in assignments)
        {
            if (replicas.IsEmpty || replicas.Length != factor || replicas.Distinct().Count() != factor)
                return TopicResult.Refused(topic, ErrorCode.InvalidReplicaAssignment, $"Topic '{topic}': every partition needs the same number of distinct replicas, at least one.");
            if (replicas.FirstOrDefault(id => !image.Brokers.ContainsKey(id), BrokerId.None) is var unknown && unknown != BrokerId.None)
                return TopicResult.Refused(topic, ErrorCode.InvalidReplicaAssignment, $"Topic '{topic}' is assigned to broker {unknown}, which is not registered.");
            if (!replicas.Any(id => image.Brokers[id].IsActive))
                return TopicResult.Refused(topic, ErrorCode.InvalidReplicaAssignment, $"Topic '{topic}' is assigned to broker(s) {string.Join(", ", replicas)} only, none of which is live.");
        }

        plan = [.. assignments.Select(replicas => Assignment(image, replicas))];
        return null;
    }

    private TopicResult? Place(MetadataImage image, string topic, int partitions, int factor, int firstIndex, out ImmutableArray<PartitionAssignment> plan)
    {
        plan = [];
        if (factor < 1)
            return TopicResult.Refused(topic, ErrorCode.InvalidReplicationFactor, $"Topic '{topic}' asks for replication factor {factor}: it must be at least 1.");
        if (factor > image.Brokers.Count)
            return TopicResult.Refused(topic, ErrorCode.InvalidReplicationFactor, $"Topic '{topic}' has replication factor {factor}, but there are only {image.Brokers.Count} broker(s).");
        var active = Brokers(image, isActive: true);
        if (active.Count == 0)
            return TopicResult.Refused(topic, ErrorCode.InvalidReplicationFactor, $"No broker is live that could lead topic '{topic}'.");

        var live = ReplicaPlacement.Plan(active, partitions, Math.Min(factor, active.Count), firstIndex, nextRandom());
        var others = factor > active.Count ? ReplicaPlacement.Plan(Brokers(image, isActive: false), partitions, factor - active.Count, firstIndex, nextRandom()) : ImmutableArray<ImmutableArray<BrokerId>>.Empty;
        plan = [.. live.Select((replicas, i) => Assignment(image, others.IsEmpty ? replicas : [.. replicas, .. others[i]]))];
        return null;
    }

    /// <summary>The first live replica leads; those that are not live join the ISR when they have come back and caught up.</summary>
    private static PartitionAssignment Assignment(MetadataImage image, ImmutableArray<BrokerId> replicas)
    {
        ImmutableArray<int> isr = [.. replicas.Where(id => image.Brokers[id].IsActive).Select(id => id.Value)];
        return new PartitionAssignment([.. replicas.Select(id => id.Value)], isr, isr[0]);
    }

    private static TopicResult OnDelete(Draft draft, string? name, TopicId id)
    {
        var topic = id != TopicId.None ? draft.Image.FindTopic(id) : name is null ? null : draft.Image.FindTopic(name);
        if (topic is null)
        {
            return id != TopicId.None
                ? TopicResult.Refused(name, ErrorCode.UnknownTopicId, $"There is no topic with id {id}.")
                : TopicResult.Refused(name, ErrorCode.UnknownTopicOrPartition, $"There is no topic '{name}'.");
        }

        if (topic.IsInternal)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidTopicException, $"Topic '{topic.Name}' is internal: the broker's own state is in it, and it can't be deleted.");
        draft.Add(new TopicDeleted(topic.Id.Value));
        return new TopicResult(topic.Name, ErrorCode.None, null, topic);
    }

    private TopicResult OnAddPartitions(Draft draft, MorePartitions more)
    {
        if (draft.Image.FindTopic(more.Topic) is not { } topic)
            return TopicResult.Refused(more.Topic, ErrorCode.UnknownTopicOrPartition, $"There is no topic '{more.Topic}'.");
        if (topic.IsInternal)
            return TopicResult.Refused(more.Topic, ErrorCode.InvalidTopicException, $"Topic '{more.Topic}' is internal: its number of partitions says where the broker finds its own state, and can't change.");
        var now = topic.Partitions.Length;
        if (more.Count <= now)
            return TopicResult.Refused(more.Topic, ErrorCode.InvalidPartitions, $"Topic '{more.Topic}' has {now} partition(s); {more.Count} would not add any, and partitions can't be taken away.");
        if (more.Count > options.MaxPartitionsPerTopic)
            return TopicResult.Refused(more.Topic, ErrorCode.InvalidPartitions, $"Topic '{more.Topic}' asks for {more.Count} partitions: the most is {options.MaxPartitionsPerTopic}.");

        ImmutableArray<PartitionAssignment> plan;
        var factor = topic.ReplicationFactor;
        if (!more.Assignments.IsEmpty)
        {
            if (more.Assignments.Length != more.Count - now)
                return TopicResult.Refused(more.Topic, ErrorCode.InvalidReplicaAssignment, $"Topic '{more.Topic}': {more.Count - now} partition(s) are added, but {more.Assignments.Length} assigned.");
            if (more.Assignments[0].Length != factor)
                return TopicResult.Refused(more.Topic, ErrorCode.InvalidReplicaAssignment, $"Topic '{more.Topic}' has replication factor {factor}; the new partitions must have it too.");
            if (PlanByHand(draft.Image, more.Topic, more.Assignments, out plan) is { } refusal) return refusal;
        }
        else if (Place(draft.Image, more.Topic, more.Count - now, factor, firstIndex: now, out plan) is { } refusal)
        {
            return refusal;
        }

        draft.Add(new PartitionsAdded(topic.Id.Value, now, plan));
        return new TopicResult(more.Topic, ErrorCode.None, null, draft.Image.FindTopic(more.Topic));
    }

    private static TopicResult OnAlter(Draft draft, TopicConfigChanges alter)
    {
        if (draft.Image.FindTopic(alter.Topic) is not { } topic)
            return TopicResult.Refused(alter.Topic, ErrorCode.UnknownTopicOrPartition, $"There is no topic '{alter.Topic}'.");
        var changes = ImmutableSortedDictionary.CreateBuilder<string, string?>(StringComparer.Ordinal);
        foreach (var change in alter.Changes)
        {
            var key = change.Key;
            if (change.Operation != ConfigOperation.Set && TopicConfigCatalog.Find(key) is { Type: not ConfigType.List })
                return TopicResult.Refused(alter.Topic, ErrorCode.InvalidConfig, $"{key} is no list: nothing can be added to it or taken from it; set it instead.");
            var value = change.Operation == ConfigOperation.Set || TopicConfigCatalog.Find(key) is null ? change.Value : Listed(topic, change);
            var fault = value is not null ? TopicConfigCatalog.Fault(key, value)
                : TopicConfigCatalog.Find(key) is null ? TopicConfigCatalog.Fault(key, "") : null;
            if (fault is not null) return TopicResult.Refused(alter.Topic, ErrorCode.InvalidConfig, fault);
            if (!changes.TryAdd(key, value))
                return TopicResult.Refused(alter.Topic, ErrorCode.InvalidRequest, $"Configuration {key} of topic '{alter.Topic}' appears more than once.");
        }

        if (alter.ReplacesAll)
            foreach (var key in topic.Overrides.Keys)
                changes.TryAdd(key, null);

        if (changes.TryGetValue(TopicConfigCatalog.MinInsyncReplicas, out var minInsync) && minInsync is not null
            && MinInsyncFault(minInsync, topic.ReplicationFactor) is { } minInsyncFault)
            return TopicResult.Refused(alter.Topic, ErrorCode.InvalidConfig, minInsyncFault);

        if (TopicConfigCatalog.Conflict(Changed(topic.Overrides, changes)) is { } conflict)
            return TopicResult.Refused(alter.Topic, ErrorCode.InvalidConfig, conflict);

        if (changes.Count > 0) Apply(draft, topic.Id, new TopicConfigChanged(topic.Id.Value, changes.ToImmutable()));
        return new TopicResult(alter.Topic, ErrorCode.None, null, draft.Image.FindTopic(alter.Topic));
    }

    /// <summary>As Kafka: what the topic doesn't set begins at the key's own default, whatever the broker's is.</summary>
    private static string Listed(TopicImage topic, ConfigChange change)
    {
        var now = topic.Overrides.TryGetValue(change.Key, out var own) ? own : TopicConfigCatalog.Find(change.Key)!.Default;
        var values = now.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToList();
        foreach (var value in (change.Value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (change.Operation == ConfigOperation.Subtract) values.Remove(value);
            else if (!values.Contains(value, StringComparer.Ordinal)) values.Add(value);
        }

        return string.Join(',', values);
    }

    private static Dictionary<string, string> Changed(IReadOnlyDictionary<string, string> overrides, IReadOnlyDictionary<string, string?> changes)
    {
        var values = new Dictionary<string, string>(overrides, StringComparer.Ordinal);
        foreach (var (key, value) in changes)
        {
            if (value is null) values.Remove(key);
            else values[key] = value;
        }

        return values;
    }

    /// <summary>With what the new settings lead to, in the same entry.</summary>
    private static void Apply(Draft draft, TopicId topic, TopicConfigChanged change)
    {
        var minimum = draft.MinInsyncReplicas(topic);
        draft.Add(change);
        if (draft.MinInsyncReplicas(topic) != minimum) draft.OnMinInsyncReplicasChanged(topic);
        if (!change.Changes.ContainsKey(TopicConfigCatalog.UncleanLeaderElection)) return;
        foreach (var partition in draft.Image.FindTopic(topic)!.Partitions)
            if (partition.Leader is null) draft.Change(topic, partition.Index, _ => { });
    }

    private static string? NameFault(string name) => TopicName.Check(name) switch
    {
        TopicNameFault.None => null,
        TopicNameFault.Empty => "A topic's name is empty.",
        TopicNameFault.TooLong => $"Topic name '{name[..20]}...' has {name.Length} characters; the most is {TopicName.MaxLength}.",
        TopicNameFault.Reserved => $"Topic name '{name}' is reserved.",
        _ => $"Topic name '{name}' has a character other than ASCII letters, digits, '.', '_' and '-'.",
    };

    private static string? MinInsyncFault(IReadOnlyDictionary<string, string> configs, int factor) =>
        configs.TryGetValue(TopicConfigCatalog.MinInsyncReplicas, out var value) ? MinInsyncFault(value, factor) : null;

    /// <summary>Such a topic could never be written with acks=all; better said when it is made than when it is used.</summary>
    private static string? MinInsyncFault(string value, int factor) =>
        int.Parse(value) > factor ? $"{TopicConfigCatalog.MinInsyncReplicas}={value} is above the replication factor {factor}: no write with acks=all could succeed." : null;

    private static List<(BrokerId Id, string? Rack)> Brokers(MetadataImage image, bool isActive) =>
        [.. image.Brokers.Values.Where(broker => broker.IsActive == isActive).Select(broker => (broker.Id, broker.Rack))];
}
