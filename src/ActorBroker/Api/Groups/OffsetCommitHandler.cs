using ActorBroker.Groups;
using ActorBroker.Log;
using ActorBroker.Protocol;

namespace ActorBroker.Api.Groups;

/// <summary>Stores how far a group has come; answers once that is committed.</summary>
internal sealed class OffsetCommitHandler(GroupApi groups) : IRequestHandler
{
    public ApiKey ApiKey => ApiKey.OffsetCommit;

    public void Handle(ApiCall call)
    {
        var request = (OffsetCommitRequest)call.Request;
        var refused = new List<ErrorCode>();
        var entries = new List<CommitEntry>();
        foreach (var topic in request.Topics)
        {
            foreach (var partition in topic.Partitions)
            {
                var error = groups.CheckPartition(call, AclOperation.Read, topic.Name, partition.PartitionIndex);
                refused.Add(error);
                if (error != ErrorCode.None) continue;
                entries.Add(new CommitEntry(
                    new TopicPartition(topic.Name, partition.PartitionIndex),
                    new Offset(partition.CommittedOffset),
                    new LeaderEpoch(partition.CommittedLeaderEpoch),
                    partition.CommittedMetadata ?? ""));
            }
        }

        var pending = GroupApi.Pending(call, 1, answers => Response(request, refused, answers[0]));
        if (!groups.May(call, AclOperation.Read, request.GroupId)) pending.Settle(0, ErrorCode.GroupAuthorizationFailed);
        else if (entries.Count == 0) pending.Settle(0, ErrorCode.None);
        else
        {
            groups.Ask(pending, request.GroupId, 0, key => new CoordinatorProtocol.Commit(new CommitInput(
                key, request.GroupId, request.GenerationIdOrMemberEpoch, request.MemberId, request.GroupInstanceId, request.RetentionTimeMs, entries)));
        }

        pending.Begin(groups.Options.CommitTimeout);
    }

    /// <param name="answer"><see cref="OffsetErrors"/> of what was not refused, or one error for all of it.</param>
    private static OffsetCommitResponse Response(OffsetCommitRequest request, List<ErrorCode> refused, object answer)
    {
        var (slot, asked) = (0, 0);
        return new OffsetCommitResponse
        {
            Topics =
            [
                .. request.Topics.Select(topic => new OffsetCommitResponse.OffsetCommitResponseTopic
                {
                    Name = topic.Name,
                    Partitions =
                    [
                        .. topic.Partitions.Select(partition => new OffsetCommitResponse.OffsetCommitResponsePartition
                        {
                            PartitionIndex = partition.PartitionIndex,
                            ErrorCode = refused[slot++] is var error and not ErrorCode.None ? error
                                : answer is OffsetErrors errors ? errors.Errors[asked++] : (ErrorCode)answer,
                        }),
                    ],
                }),
            ],
        };
    }
}
