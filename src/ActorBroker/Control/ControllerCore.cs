using System.Collections.Immutable;
using ActorBroker.Log;
using ActorBroker.Metadata;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>What an input leads to: events to store as one entry (all or none), the metadata and the answer once they are stored.</summary>
/// <param name="Reply">Null where the input has no answer.</param>
internal sealed record Decision(ImmutableArray<IControlEvent> Events, MetadataImage Image, object? Reply);

/// <summary>
/// Decides what the controller does, given the metadata as it stands. It changes nothing: the actor stores the events,
/// takes the image that they lead to, tells the brokers and then replies. Later items of one command see the events of
/// earlier ones. The rules stand in <see cref="TopicDecisions"/>, <see cref="BrokerDecisions"/>, <see cref="IsrDecisions"/>,
/// <see cref="LeaderDecisions"/>, <see cref="ReassignmentDecisions"/>, <see cref="InternalTopics"/>, and for each partition in <see cref="PartitionPlan"/>.
/// Left to others: durability and fencing of rival controllers (the quorum journal), sessions (<see cref="SessionTable"/>),
/// opening partitions (ReplicaManager).
/// </summary>
/// <param name="defaults">Of the controller's node, for topics that don't set a key: brokers should agree on them.</param>
internal sealed class ControllerCore(ControllerOptions options, TopicDefaults defaults, Func<Guid> newId, Func<int> nextRandom)
{
    private readonly TopicDecisions _topics = new(options, newId, nextRandom);

    /// <param name="lastSequence">Number of the newest entry in the controller's log; the decision's events follow it without a gap.</param>
    /// <param name="othersKnow">Of a broker that wants to stop: see <see cref="BrokerDecisions.OnHeartbeat"/>.</param>
    public Decision Decide(MetadataImage image, long lastSequence, ICommand command, bool othersKnow = false)
    {
        var draft = new Draft(image, lastSequence, defaults);
        object reply = command switch
        {
            RegisterBroker c => BrokerDecisions.OnRegister(draft, c, newId),
            BrokerHeartbeat c => BrokerDecisions.OnHeartbeat(draft, c, othersKnow),
            UnregisterBroker c => BrokerDecisions.OnUnregister(draft, c.Id),
            AlterPartitions c => IsrDecisions.OnAlter(draft, c),
            ElectLeaders c => LeaderDecisions.OnElect(draft, c),
            AlterReassignments c => ReassignmentDecisions.OnAlter(draft, c),
            AllocateProducerIds c => BrokerDecisions.OnAllocateProducerIds(draft, c),
            CreateTopics c => _topics.OnCreate(draft, c),
            DeleteTopics c => TopicDecisions.OnDelete(draft, c),
            AddPartitions c => _topics.OnAddPartitions(draft, c),
            AlterTopicConfigs c => TopicDecisions.OnAlter(draft, c),
            _ => throw new InvariantException($"controller command {command.GetType().Name} has no rule"),
        };
        var validateOnly = command is CreateTopics { ValidateOnly: true } or AddPartitions { ValidateOnly: true } or AlterTopicConfigs { ValidateOnly: true };
        return validateOnly ? new Decision([], image, reply) : new Decision(draft.Events, draft.Image, reply);
    }

    /// <summary>Brokers whose session is over, or that were found dead.</summary>
    public Decision Fence(MetadataImage image, long lastSequence, ImmutableArray<(BrokerId Id, long Epoch)> gone)
    {
        var draft = new Draft(image, lastSequence, defaults);
        foreach (var (id, epoch) in gone) BrokerDecisions.OnGone(draft, id, epoch);
        return new Decision(draft.Events, draft.Image, null);
    }

    /// <summary>More replicas for internal topics, where brokers have joined that could hold them.</summary>
    public Decision RaiseInternalTopics(MetadataImage image, long lastSequence)
    {
        var draft = new Draft(image, lastSequence, defaults);
        InternalTopics.Raise(draft, options.InternalReplicationFactor);
        return new Decision(draft.Events, draft.Image, null);
    }

    public Decision Rebalance(MetadataImage image, long lastSequence)
    {
        var draft = new Draft(image, lastSequence, defaults);
        LeaderDecisions.Rebalance(draft, options.LeaderImbalancePercentage);
        return new Decision(draft.Events, draft.Image, null);
    }
}
