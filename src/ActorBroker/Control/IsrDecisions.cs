using ActorBroker.Log;
using ActorBroker.Metadata;
using ActorBroker.Protocol;
using static ActorBroker.Control.ControllerProtocol;

namespace ActorBroker.Control;

/// <summary>
/// Judges the ISRs that leaders propose (KIP-497). A proposal holds only for the standing it was made against: same leader,
/// leader epoch and partition epoch. Its members must be active under the broker epoch with which they fetched
/// (KIP-841, 903): a broker that came back meanwhile may have lost what it had.
/// </summary>
internal static class IsrDecisions
{
    public static object OnAlter(Draft draft, AlterPartitions alter)
    {
        if (!draft.Image.Brokers.TryGetValue(alter.Id, out var broker) || broker.Epoch != alter.BrokerEpoch)
            return new BrokerUnknown(alter.Id);
        return new PartitionsAltered([.. alter.Partitions.Select(proposal => Judge(draft, alter.Id, proposal))]);
    }

    private static IsrOutcome Judge(Draft draft, BrokerId proposer, IsrProposal proposal)
    {
        if (draft.Image.FindTopic(proposal.Topic) is not { } topic)
            return new IsrOutcome(proposal.Topic, proposal.Index, ErrorCode.UnknownTopicId, null);
        if (proposal.Index < 0 || proposal.Index >= topic.Partitions.Length)
            return new IsrOutcome(proposal.Topic, proposal.Index, ErrorCode.UnknownTopicOrPartition, null);
        var now = topic.Partitions[proposal.Index];
        if (Fault(draft.Image, now, proposer, proposal) is var fault and not ErrorCode.None)
            return new IsrOutcome(topic.Id, now.Index, fault, now);

        var next = draft.Change(topic.Id, now.Index, plan => plan.Isr = [.. proposal.Isr.Select(member => member.Id)]);
        return new IsrOutcome(topic.Id, now.Index, next.Leader == proposer ? ErrorCode.None : ErrorCode.NewLeaderElected, next);
    }

    private static ErrorCode Fault(MetadataImage image, PartitionImage now, BrokerId proposer, IsrProposal proposal)
    {
        // Another controller gave the proposer what this one does not know: it is no longer the one.
        if (proposal.LeaderEpoch > now.LeaderEpoch || proposal.PartitionEpoch > now.PartitionEpoch) return ErrorCode.NotController;
        if (proposal.LeaderEpoch < now.LeaderEpoch) return ErrorCode.FencedLeaderEpoch;
        if (now.Leader != proposer) return ErrorCode.InvalidRequest;
        if (proposal.PartitionEpoch < now.PartitionEpoch) return ErrorCode.InvalidUpdateVersion;

        var holdsLeader = false;
        for (var i = 0; i < proposal.Isr.Length; i++)
        {
            var member = proposal.Isr[i];
            holdsLeader |= member.Id == proposer;
            if (!now.Replicas.Contains(member.Id)) return ErrorCode.InvalidRequest;
            for (var j = 0; j < i; j++)
                if (proposal.Isr[j].Id == member.Id) return ErrorCode.InvalidRequest;
        }

        if (!holdsLeader) return ErrorCode.InvalidRequest;
        foreach (var member in proposal.Isr)
        {
            var broker = image.Brokers.GetValueOrDefault(member.Id);
            if (broker is not { IsActive: true } || (member.BrokerEpoch != -1 && member.BrokerEpoch != broker.Epoch)) return ErrorCode.IneligibleReplica;
        }

        return ErrorCode.None;
    }
}
