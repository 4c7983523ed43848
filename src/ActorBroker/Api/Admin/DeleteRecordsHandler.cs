using ActorBroker.Log;
using ActorBroker.Protocol;
using ActorBroker.Replication;
using static ActorBroker.Protocol.DeleteRecordsResponse;

namespace ActorBroker.Api.Admin;

/// <summary>
/// Deletes old records by command (KIP-107): answers once the leader's log begins where it was told to, for ever. Followers
/// do the same when they next hear of their leader; Kafka waits for them, we don't.
/// </summary>
internal sealed class DeleteRecordsHandler(PartitionLocator locator) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.DeleteRecords;

    public void Handle(ApiCall call)
    {
        var request = (DeleteRecordsRequest)call.Request;
        var pending = new PendingSlots(call, request.Topics.Sum(topic => topic.Partitions.Count), late: ErrorCode.RequestTimedOut, answers => Response(request, answers));
        var slot = 0;
        foreach (var topic in request.Topics)
        {
            foreach (var partition in topic.Partitions)
            {
                var handle = Find(call.Context, topic.Name, partition.PartitionIndex, out var error);
                if (handle is null) pending.Settle(slot, error);
                else pending.Ask(handle.Actor, slot, key => new PartitionProtocol.DeleteRecords(key, new Offset(partition.Offset)));
                slot++;
            }
        }

        pending.Begin(TimeSpan.FromMilliseconds(Math.Max(request.TimeoutMs, 0)));
    }

    private PartitionHandle? Find(RequestContext context, string topic, int partition, out ErrorCode error)
    {
        var located = locator.Find(context, AclOperation.Delete, topic, Guid.Empty, partition);
        error = located.Handle is not { } handle ? located.Error
            : located.IsInternal ? ErrorCode.InvalidTopicException
            : !handle.View.IsLeader ? ErrorCode.NotLeaderOrFollower
            // What is kept by key is not the operator's to cut off: a key's newest record may be the oldest of all.
            : !handle.Settings.Log.CleanupPolicy.HasFlag(CleanupPolicy.Delete) ? ErrorCode.PolicyViolation
            : ErrorCode.None;
        return error == ErrorCode.None ? located.Handle : null;
    }

    private static DeleteRecordsResponse Response(DeleteRecordsRequest request, object[] answers)
    {
        var slot = 0;
        return new DeleteRecordsResponse
        {
            Topics = [.. request.Topics.Select(topic => new DeleteRecordsTopicResult
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(partition => Result(partition.PartitionIndex, answers[slot++]))],
            })],
        };
    }

    private static DeleteRecordsPartitionResult Result(int partition, object answer) => answer is PartitionProtocol.RecordsDeleted deleted
        ? new() { PartitionIndex = partition, ErrorCode = PartitionErrors.Code(deleted.Error), LowWatermark = deleted.LogStart.Value }
        : new() { PartitionIndex = partition, ErrorCode = (ErrorCode)answer, LowWatermark = Offset.None.Value };
}
