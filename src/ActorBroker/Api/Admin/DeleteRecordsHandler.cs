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
        var pending = new Pending(call, request);
        var slot = 0;
        foreach (var topic in request.Topics)
        {
            foreach (var partition in topic.Partitions)
            {
                var handle = Find(call.Context, topic.Name, partition.PartitionIndex, out var error);
                if (handle is null) pending.Settle(slot, error, Offset.None);
                else pending.Ask(slot, handle, new Offset(partition.Offset));
                slot++;
            }
        }

        pending.Begin();
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

    private sealed class Pending(ApiCall call, DeleteRecordsRequest request) : IPendingCall
    {
        private readonly (ErrorCode Error, Offset LogStart)?[] _outcomes = new (ErrorCode, Offset)?[request.Topics.Sum(topic => topic.Partitions.Count)];
        private int _open;

        public void Settle(int slot, ErrorCode error, Offset logStart) => _outcomes[slot] = (error, logStart);

        public void Ask(int slot, PartitionHandle handle, Offset before)
        {
            _open++;
            handle.Actor.Tell(new PartitionProtocol.DeleteRecords(new RequestKey(call.Session, call.Id, slot), before), call.Session);
        }

        public void Begin()
        {
            if (_open == 0) Answer();
            else call.Await(this, TimeSpan.FromMilliseconds(Math.Max(request.TimeoutMs, 0)));
        }

        public void OnReply(ICallReply reply)
        {
            var deleted = (PartitionProtocol.RecordsDeleted)reply;
            if (_outcomes[deleted.Slot] is not null) return;
            Settle(deleted.Slot, PartitionErrors.Code(deleted.Error), deleted.LogStart);
            if (--_open == 0) Answer();
        }

        /// <summary>They may be deleted all the same.</summary>
        public void OnTimeout()
        {
            for (var slot = 0; slot < _outcomes.Length; slot++) _outcomes[slot] ??= (ErrorCode.RequestTimedOut, Offset.None);
            Answer();
        }

        public void OnAbandoned()
        {
        }

        private void Answer()
        {
            var slot = 0;
            call.Reply(new DeleteRecordsResponse
            {
                Topics = [.. request.Topics.Select(topic => new DeleteRecordsTopicResult
                {
                    Name = topic.Name,
                    Partitions = [.. topic.Partitions.Select(partition =>
                    {
                        var (error, logStart) = _outcomes[slot++]!.Value;
                        return new DeleteRecordsPartitionResult { PartitionIndex = partition.PartitionIndex, ErrorCode = error, LowWatermark = logStart.Value };
                    })],
                })],
            });
        }
    }
}
