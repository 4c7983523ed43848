using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using static ActorBroker.Protocol.OffsetForLeaderEpochResponse;

namespace ActorBroker.Api;

/// <summary>
/// OffsetForLeaderEpoch, for consumers: where an epoch ends on the leader, as far as committed, so that a reader finds out
/// that what it read was lost in an unclean election (KIP-320). Followers learn it from their fetches.
/// </summary>
internal sealed class OffsetForLeaderEpochHandler(PartitionLocator locator) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.OffsetForLeaderEpoch;

    public void Handle(ApiCall call)
    {
        var request = (OffsetForLeaderEpochRequest)call.Request;
        call.Reply(new OffsetForLeaderEpochResponse
        {
            Topics = [.. request.Topics.Select(topic => new OffsetForLeaderTopicResult
            {
                Topic = topic.Topic,
                Partitions = [.. topic.Partitions.Select(partition => Find(call.Context, topic.Topic, partition))],
            })],
        });
    }

    private EpochEndOffset Find(RequestContext context, string topic, OffsetForLeaderEpochRequest.OffsetForLeaderPartition asked)
    {
        var located = locator.Find(context, AclOperation.Describe, topic, Guid.Empty, asked.Partition);
        if (located.Handle is not { } handle) return Failure(asked, located.Error);
        var view = handle.View;
        if (!view.IsLeader) return Failure(asked, ErrorCode.NotLeaderOrFollower);
        var epoch = PartitionCore.CheckEpoch(view.LeaderEpoch, new LeaderEpoch(asked.CurrentLeaderEpoch));
        if (epoch != PartitionError.None) return Failure(asked, PartitionErrors.Code(epoch));
        // A reader has seen committed records only; until those are known here, an end could be told that lies below them.
        if (!view.KnowsCommitted) return Failure(asked, ErrorCode.OffsetNotAvailable);
        try
        {
            var end = handle.Log.EndOffsetFor(new LeaderEpoch(asked.LeaderEpoch));
            return new EpochEndOffset { Partition = asked.Partition, LeaderEpoch = end.Epoch.Value, EndOffset = end.EndOffset.Value };
        }
        catch (ObjectDisposedException)
        {
            return Failure(asked, ErrorCode.KafkaStorageError);
        }
    }

    private static EpochEndOffset Failure(OffsetForLeaderEpochRequest.OffsetForLeaderPartition asked, ErrorCode error) =>
        new() { Partition = asked.Partition, ErrorCode = error };
}
