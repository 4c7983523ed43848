using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>What a command leads to: events to store as one entry (all or none), and the answer once they are stored.</summary>
internal sealed record Decision(ImmutableArray<IControlEvent> Events, object Reply);

/// <summary>
/// Decides what the controller does with a command, given the metadata as it stands. It changes nothing: the actor
/// stores the events, applies them (<see cref="ControllerState"/>), publishes the image and then replies.
/// Later items of one command see the events of earlier ones.
/// Left to others: durability and fencing of rival controllers (the quorum journal), opening partitions (ReplicaManager).
/// </summary>
internal sealed class ControllerCore(ControllerOptions options, Func<Guid> newId, Func<int> nextRandom)
{
    /// <param name="lastSequence">Number of the newest entry in the controller's log; the decision's events follow it without a gap.</param>
    public Decision Decide(MetadataImage image, long lastSequence, ICommand command)
    {
        var draft = new Draft(image, lastSequence);
        object reply = command switch
        {
            RegisterBroker register => OnRegister(draft, register),
            CreateTopics create => new TopicResults([.. create.Topics.Select(topic => OnCreate(draft, topic, create.Topics))]),
            DeleteTopics delete => new TopicResults([.. delete.Topics.Select(topic => OnDelete(draft, topic.Name, topic.Id))]),
            AddPartitions add => new TopicResults([.. add.Topics.Select(more => OnAddPartitions(draft, more))]),
            AlterTopicConfigs alter => new TopicResults([.. alter.Topics.Select(change => OnAlter(draft, change))]),
            _ => throw new InvariantException($"controller command {command.GetType().Name} has no rule"),
        };
        var validateOnly = command is CreateTopics { ValidateOnly: true } or AddPartitions { ValidateOnly: true } or AlterTopicConfigs { ValidateOnly: true };
        return new Decision(validateOnly ? [] : draft.Events, reply);
    }

    private object OnRegister(Draft draft, RegisterBroker register)
    {
        var image = draft.Image;
        if (image.ClusterId is { } cluster && register.ClusterId is { } claimed && claimed != cluster)
            return new BrokerRefused($"Broker {register.Id} belongs to cluster {claimed}, this is cluster {cluster}.");
        if (image.ClusterId is null)
            draft.Add(new ClusterFormed((register.ClusterId ?? ClusterId.From(newId())).Value, FeatureLevels.Latest));

        draft.Add(new BrokerRegistered(
            register.Id.Value, register.Incarnation, register.Directory.Value, register.Rack, register.Endpoints, register.CleanShutdown, register.BootId));
        var epoch = draft.Image.Version;
        draft.Add(new BrokerFencingChanged(register.Id.Value, epoch, Fenced: false));
        ElectAfterRestart(draft, register.Id);
        return new BrokerAccepted(draft.Image.ClusterId!.Value, epoch);
    }

    /// <summary>A leader's new process is a new leader: its term's records must be told apart from those of the one before.</summary>
    private static void ElectAfterRestart(Draft draft, BrokerId broker)
    {
        foreach (var topic in draft.Image.TopicsByName.Values)
        {
            foreach (var partition in topic.Partitions)
            {
                if (partition.Leader != broker) continue;
                draft.Add(new PartitionChanged(
                    topic.Id.Value, partition.Index, Values(partition.Replicas), Values(partition.Isr), Values(partition.EligibleLeaders),
                    broker.Value, partition.LeaderEpoch.Value + 1, partition.PartitionEpoch + 1));
            }
        }
    }

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
        var brokers = Usable(image);
        var factor = topic.ReplicationFactor == -1 ? Math.Min(options.DefaultReplicationFactor, brokers.Count) : topic.ReplicationFactor;
        if (factor < 1)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidReplicationFactor, $"Topic '{topic.Name}' asks for replication factor {factor}: it must be at least 1.");
        if (factor > brokers.Count)
            return TopicResult.Refused(topic.Name, ErrorCode.InvalidReplicationFactor, $"Topic '{topic.Name}' asks for replication factor {factor}, but only {brokers.Count} broker(s) are available.");
        plan = ReplicaPlacement.Plan(brokers, partitions, factor, firstIndex: 0, nextRandom());
        return null;
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
        }

        plan = [.. assignments.Select(replicas => new PartitionAssignment(Values(replicas), Values(replicas), replicas[0].Value))];
        return null;
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

        draft.Add(new TopicDeleted(topic.Id.Value));
        return new TopicResult(topic.Name, ErrorCode.None, null, topic);
    }

    private TopicResult OnAddPartitions(Draft draft, MorePartitions more)
    {
        if (draft.Image.FindTopic(more.Topic) is not { } topic)
            return TopicResult.Refused(more.Topic, ErrorCode.UnknownTopicOrPartition, $"There is no topic '{more.Topic}'.");
        var now = topic.Partitions.Length;
        if (more.Count <= now)
            return TopicResult.Refused(more.Topic, ErrorCode.InvalidPartitions, $"Topic '{more.Topic}' has {now} partition(s); {more.Count} would not add any, and partitions can't be taken away.");
        if (more.Count > options.MaxPartitionsPerTopic)
            return TopicResult.Refused(more.Topic, ErrorCode.InvalidPartitions, $"Topic '{more.Topic}' asks for {more.Count} partitions: the most is {options.MaxPartitionsPerTopic}.");

        ImmutableArray<PartitionAssignment> plan;
        var factor = topic.Partitions[0].Replicas.Length;
        if (!more.Assignments.IsEmpty)
        {
            if (more.Assignments.Length != more.Count - now)
                return TopicResult.Refused(more.Topic, ErrorCode.InvalidReplicaAssignment, $"Topic '{more.Topic}': {more.Count - now} partition(s) are added, but {more.Assignments.Length} assigned.");
            if (more.Assignments[0].Length != factor)
                return TopicResult.Refused(more.Topic, ErrorCode.InvalidReplicaAssignment, $"Topic '{more.Topic}' has replication factor {factor}; the new partitions must have it too.");
            if (PlanByHand(draft.Image, more.Topic, more.Assignments, out plan) is { } refusal) return refusal;
        }
        else
        {
            var brokers = Usable(draft.Image);
            if (factor > brokers.Count)
                return TopicResult.Refused(more.Topic, ErrorCode.InvalidReplicationFactor, $"Topic '{more.Topic}' has replication factor {factor}, but only {brokers.Count} broker(s) are available.");
            plan = ReplicaPlacement.Plan(brokers, more.Count - now, factor, firstIndex: now, nextRandom());
        }

        draft.Add(new PartitionsAdded(topic.Id.Value, now, plan));
        return new TopicResult(more.Topic, ErrorCode.None, null, draft.Image.FindTopic(more.Topic));
    }

    private static TopicResult OnAlter(Draft draft, TopicConfigChanges alter)
    {
        if (draft.Image.FindTopic(alter.Topic) is not { } topic)
            return TopicResult.Refused(alter.Topic, ErrorCode.UnknownTopicOrPartition, $"There is no topic '{alter.Topic}'.");
        var changes = ImmutableSortedDictionary.CreateBuilder<string, string?>(StringComparer.Ordinal);
        foreach (var (key, value) in alter.Changes)
        {
            var fault = value is not null ? TopicConfigCatalog.Fault(key, value)
                : TopicConfigCatalog.Find(key) is null ? TopicConfigCatalog.Fault(key, "") : null;
            if (fault is not null) return TopicResult.Refused(alter.Topic, ErrorCode.InvalidConfig, fault);
            if (!changes.TryAdd(key, value))
                return TopicResult.Refused(alter.Topic, ErrorCode.InvalidRequest, $"Configuration {key} of topic '{alter.Topic}' appears more than once.");
        }

        if (changes.TryGetValue(TopicConfigCatalog.MinInsyncReplicas, out var minInsync) && minInsync is not null
            && MinInsyncFault(minInsync, topic.Partitions[0].Replicas.Length) is { } minInsyncFault)
            return TopicResult.Refused(alter.Topic, ErrorCode.InvalidConfig, minInsyncFault);

        if (changes.Count > 0) draft.Add(new TopicConfigChanged(topic.Id.Value, changes.ToImmutable()));
        return new TopicResult(alter.Topic, ErrorCode.None, null, draft.Image.FindTopic(alter.Topic));
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

    private static List<(BrokerId Id, string? Rack)> Usable(MetadataImage image) =>
        [.. image.Brokers.Values.Where(broker => !broker.Fenced).Select(broker => (broker.Id, broker.Rack))];

    private static ImmutableArray<int> Values(ImmutableArray<BrokerId> ids) => [.. ids.Select(id => id.Value)];

    /// <summary>Events decided so far, and the image as it will be once they are stored.</summary>
    private sealed class Draft(MetadataImage image, long lastSequence)
    {
        private readonly ImmutableArray<IControlEvent>.Builder _events = ImmutableArray.CreateBuilder<IControlEvent>();

        public MetadataImage Image { get; private set; } = image;

        public ImmutableArray<IControlEvent> Events => _events.ToImmutable();

        public void Add(IControlEvent change)
        {
            _events.Add(change);
            Image = ControllerState.Apply(Image, change, lastSequence + _events.Count);
        }
    }
}
