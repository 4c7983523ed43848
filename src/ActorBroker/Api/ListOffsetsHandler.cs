using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;

namespace ActorBroker.Api;

/// <summary>ListOffsets: the beginning, the end, and the first record at or past a time, as far as committed; to others than consumers also where the log ends. Version 0 asks for several offsets of a partition; one is its answer, and for a time nobody reached the end is.</summary>
internal sealed class ListOffsetsHandler(PartitionLocator locator) : IRequestHandler
{
    private const long Latest = -1;
    private const long Earliest = -2;
    private const long MaxTimestamp = -3;

    /// <summary>Anybody else, replicas and tools, is told where the log ends rather than what is committed of it: as Kafka.</summary>
    private const int Consumer = -1;

    private const short FirstWithOne = 1;

    public ApiKey ApiKey => ApiKey.ListOffsets;

    public void Handle(ApiCall call)
    {
        var request = (ListOffsetsRequest)call.Request;
        var topics = new ListOffsetsResponse.ListOffsetsTopicResponse[request.Topics.Count];
        for (var t = 0; t < topics.Length; t++)
        {
            var topic = request.Topics[t];
            var partitions = new ListOffsetsResponse.ListOffsetsPartitionResponse[topic.Partitions.Count];
            for (var p = 0; p < partitions.Length; p++)
                partitions[p] = Find(call.Context, topic.Name, topic.Partitions[p], request.ReplicaId == Consumer);
            if (call.Version < FirstWithOne) InOldStyle(call.Context, topic, partitions);
            topics[t] = new ListOffsetsResponse.ListOffsetsTopicResponse { Name = topic.Name, Partitions = partitions };
        }

        call.Reply(new ListOffsetsResponse { Topics = topics });
    }

    private ListOffsetsResponse.ListOffsetsPartitionResponse Find(
        RequestContext context, string topic, ListOffsetsRequest.ListOffsetsPartition asked, bool committedOnly)
    {
        var located = locator.Find(context, AclOperation.Describe, topic, Guid.Empty, asked.PartitionIndex);
        if (located.Handle is not { } handle) return Failure(asked, located.Error);
        var view = handle.View;
        if (!view.IsLeader) return Failure(asked, ErrorCode.NotLeaderOrFollower);
        var epoch = PartitionCore.CheckEpoch(view.LeaderEpoch, new LeaderEpoch(asked.CurrentLeaderEpoch));
        if (epoch != PartitionError.None) return Failure(asked, PartitionErrors.Code(epoch));
        try
        {
            return asked.Timestamp == Latest && !committedOnly ? Success(asked, -1, view.LogEnd, view.LeaderEpoch) : Find(asked, handle.Log, view);
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            return Failure(asked, ErrorCode.KafkaStorageError);
        }
    }

    private static ListOffsetsResponse.ListOffsetsPartitionResponse Find(
        ListOffsetsRequest.ListOffsetsPartition asked, PartitionLog log, PartitionView view)
    {
        if (asked.Timestamp == Earliest) return Success(asked, -1, view.LogStart, log.EpochAt(view.LogStart));
        if (asked.Timestamp < MaxTimestamp) return Failure(asked, ErrorCode.InvalidRequest);
        // Until then the end is not known, and neither is whether a record found belongs to the committed ones.
        if (!view.KnowsCommitted) return Failure(asked, ErrorCode.OffsetNotAvailable);
        if (asked.Timestamp == Latest) return Success(asked, -1, view.HighWatermark, view.LeaderEpoch);
        var found = asked.Timestamp == MaxTimestamp ? log.OffsetOfMaxTimestamp() : log.OffsetForTimestamp(asked.Timestamp);
        return found is { } record && record.Offset < view.HighWatermark
            ? Success(asked, record.TimestampMs, record.Offset, record.Epoch)
            : Success(asked, -1, Offset.None, LeaderEpoch.None);
    }

    private static ListOffsetsResponse.ListOffsetsPartitionResponse Success(
        ListOffsetsRequest.ListOffsetsPartition asked, long timestampMs, Offset offset, LeaderEpoch epoch) => new()
        {
            PartitionIndex = asked.PartitionIndex,
            Timestamp = timestampMs,
            Offset = offset.Value,
            LeaderEpoch = epoch.Value,
        };

    private void InOldStyle(
        RequestContext context, ListOffsetsRequest.ListOffsetsTopic topic, ListOffsetsResponse.ListOffsetsPartitionResponse[] partitions)
    {
        for (var p = 0; p < partitions.Length; p++)
        {
            var asked = topic.Partitions[p];
            var found = partitions[p];
            if (found is { ErrorCode: ErrorCode.None, Offset: < 0 }) found = Find(context, topic.Name, asked with { Timestamp = Latest }, committedOnly: true);
            partitions[p] = found with { OldStyleOffsets = found.ErrorCode == ErrorCode.None && asked.MaxNumOffsets > 0 ? [found.Offset] : [] };
        }
    }

    private static ListOffsetsResponse.ListOffsetsPartitionResponse Failure(
        ListOffsetsRequest.ListOffsetsPartition asked, ErrorCode error) => new() { PartitionIndex = asked.PartitionIndex, ErrorCode = error };
}
