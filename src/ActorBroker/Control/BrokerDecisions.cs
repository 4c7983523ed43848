using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Brokers come, go and come back (KIP-631):
/// <code>
/// standing     input                               next        with it
/// (unknown)    registration                        fenced
/// any          registration, new incarnation       fenced      the old one is fenced first; one that lost data leaves ISRs and eligible leaders
/// fenced       heartbeat, metadata >= its epoch    active      leaders that it makes possible
/// active       session over, or evidence           fenced      out of all ISRs, leaders elected elsewhere
/// active       heartbeat that wants to stop        stopping    the same
/// stopping     all others know, or session over    fenced
/// fenced       unregistered                        (unknown)   only when it holds no replicas
/// </code>
/// When sessions are over, and who knows what, is <see cref="SessionTable"/>'s.
/// </summary>
internal static class BrokerDecisions
{
    /// <summary>Few enough to be lost at each start of a broker, many enough that the controller is asked rarely.</summary>
    public const int ProducerIdsInBlock = 1000;

    public static object OnRegister(Draft draft, RegisterBroker register, Func<Guid> newId)
    {
        var image = draft.Image;
        if (image.ClusterId is { } cluster && register.ClusterId is { } claimed && claimed != cluster)
            return new BrokerRefused($"Broker {register.Id} belongs to cluster {claimed}, this is cluster {cluster}.");
        if (image.ClusterId is null)
            draft.Add(new ClusterFormed((register.ClusterId ?? ClusterId.From(newId())).Value, FeatureLevels.Latest));

        if (image.Brokers.TryGetValue(register.Id, out var former))
        {
            // The answer was lost.
            if (former.Incarnation == register.Incarnation) return new BrokerAccepted(image.ClusterId!.Value, former.Epoch);
            if (former.IsActive && former.Directory != register.Directory)
                return new ControllerUnavailable($"Broker {register.Id} is running with another data folder, or was until now: two brokers can't have one id.");
            Fence(draft, former);
            LeaveWhatIsLost(draft, former, register);
        }

        draft.Add(new BrokerRegistered(
            register.Id.Value, register.Incarnation, register.Directory.Value, register.Rack, register.Endpoints, register.CleanShutdown, register.BootId));
        return new BrokerAccepted(draft.Image.ClusterId!.Value, draft.Image.Version);
    }

    /// <param name="othersKnow">Whether every other active broker serves what the metadata said when this one began to stop.</param>
    public static object OnHeartbeat(Draft draft, BrokerHeartbeat heartbeat, bool othersKnow)
    {
        if (!draft.Image.Brokers.TryGetValue(heartbeat.Id, out var broker) || broker.Epoch != heartbeat.BrokerEpoch)
            return new BrokerUnknown(heartbeat.Id);
        if (heartbeat.WantsShutdown) OnWantsShutdown(draft, broker, othersKnow);
        else if (broker is { Fenced: true, InControlledShutdown: false } && heartbeat.MetadataVersion >= broker.Epoch) Unfence(draft, broker);

        var isFenced = draft.Image.Brokers[heartbeat.Id].Fenced;
        return new HeartbeatAnswered(broker.Epoch, draft.Image.Version, isFenced, MayShutDown: heartbeat.WantsShutdown && isFenced);
    }

    /// <summary>Its session is over, or there is evidence that it is dead. Nothing, if it has registered anew since.</summary>
    public static void OnGone(Draft draft, BrokerId id, long brokerEpoch)
    {
        if (draft.Image.Brokers.TryGetValue(id, out var broker) && broker.Epoch == brokerEpoch) Fence(draft, broker);
    }

    public static object OnUnregister(Draft draft, BrokerId id)
    {
        if (!draft.Image.Brokers.TryGetValue(id, out var broker))
            return new UnregisterResult(id, ErrorCode.BrokerIdNotRegistered, $"There is no broker {id}.");
        if (!broker.Fenced)
            return new UnregisterResult(id, ErrorCode.InvalidRequest, $"Broker {id} is running: stop it first.");
        foreach (var topic in draft.Image.TopicsByName.Values)
            foreach (var partition in topic.Partitions)
                if (partition.Replicas.Contains(id))
                    return new UnregisterResult(id, ErrorCode.InvalidRequest, $"Broker {id} holds a replica of {topic.Name}-{partition.Index}, perhaps of more: reassign them first.");
        draft.Add(new BrokerRemoved(id.Value, broker.Epoch));
        return new UnregisterResult(id, ErrorCode.None, null);
    }

    public static object OnAllocateProducerIds(Draft draft, AllocateProducerIds allocate)
    {
        if (!draft.Image.Brokers.TryGetValue(allocate.Id, out var broker) || broker.Epoch != allocate.BrokerEpoch)
            return new ProducerIdBlock(-1, 0, ErrorCode.StaleBrokerEpoch);
        var first = draft.Image.NextProducerId;
        draft.Add(new ProducerIdsAllocated(first, ProducerIdsInBlock));
        return new ProducerIdBlock(first, ProducerIdsInBlock, ErrorCode.None);
    }

    private static void OnWantsShutdown(Draft draft, BrokerImage broker, bool othersKnow)
    {
        if (broker.Fenced) return;
        if (!broker.InControlledShutdown)
        {
            draft.Add(new BrokerStopping(broker.Id.Value, broker.Epoch));
            LeaveIsrs(draft, broker.Id);
            // Nobody else has heard of it yet, unless there is nobody else.
            othersKnow = !draft.Image.Brokers.Values.Any(other => other.IsActive);
        }

        if (othersKnow) Fence(draft, broker);
    }

    private static void Unfence(Draft draft, BrokerImage broker)
    {
        draft.Add(new BrokerFencingChanged(broker.Id.Value, broker.Epoch, Fenced: false));
        draft.ChangeAll(partition => partition.Leader is null && partition.Replicas.Contains(broker.Id), _ => { });
    }

    private static void Fence(Draft draft, BrokerImage broker)
    {
        if (broker.Fenced) return;
        draft.Add(new BrokerFencingChanged(broker.Id.Value, broker.Epoch, Fenced: true));
        LeaveIsrs(draft, broker.Id);
    }

    private static void LeaveIsrs(Draft draft, BrokerId broker) => draft.ChangeAll(partition => partition.Isr.Contains(broker), _ => { });

    /// <summary>
    /// A process that died loses nothing that it wrote; a machine that went down loses its page cache. Another data
    /// folder holds nothing of what the former one did.
    /// </summary>
    private static void LeaveWhatIsLost(Draft draft, BrokerImage former, RegisterBroker register)
    {
        var lostAll = former.Directory != register.Directory;
        // Where machines don't name their runs it can't be told, and is taken for the worse.
        var lostCache = !register.CleanShutdown && (register.BootId is null || register.BootId != former.BootId);
        if (!lostAll && !lostCache) return;
        draft.ChangeAll(
            partition => partition.EligibleLeaders.Contains(former.Id) || (lostAll && partition.LastKnownLeader == former.Id),
            plan => plan.LostData(former.Id, lostAll));
    }
}
